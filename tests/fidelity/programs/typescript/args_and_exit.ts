const words: readonly string[] = process.argv.slice(2);
console.log(words.length, JSON.stringify(words));
process.exit(words.length as number);
