const words: string[] = ["日本語", "é", "🙂", "\u{1F600}"];
console.log(words.join(" "), words.map((w) => [...w].length));
console.error("на русском" as const);
