const names = process.argv.slice(2);
console.log(`Hello from Node.js, ${names.length ? names.join(" and ") : "stranger"}!`);
