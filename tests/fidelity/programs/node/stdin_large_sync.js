// Pins down reading more than 64 KB of stdin at once, synchronously, as text.
const text = require('fs').readFileSync('/dev/stdin', 'utf8');
const lines = text.split('\n');
console.log(text.length, lines.length, JSON.stringify(lines[0]), JSON.stringify(lines.at(-2)));
console.log(lines.filter((line) => line.includes('77')).length, lines.slice(0, -1).every((line) => line.length > 10));
