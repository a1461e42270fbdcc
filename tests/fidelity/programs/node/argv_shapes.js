// Pins down odd arguments: spaces, quotes, globs, dashes, Unicode, newline, empty string, 2 KB.
const path = require('path');
const args = process.argv.slice(2);
console.log(process.argv.length, path.basename(process.argv[0]), process.argv[1], path.basename(process.argv0), process.execArgv);
for (const arg of args) console.log(arg.length, JSON.stringify(arg.slice(0, 60)), arg.slice(0, 60));
