// Pins down some 220 KB on stdout and 75 KB on stderr, more than any pipe holds at once (no process.exit: it may cut off pending writes).
const hash = require('crypto').createHash('sha256');
for (let i = 0; i < 4800; i++) {
  const line = String(i).padStart(5, '0') + ' ' + 'abcdefghij'[i % 10].repeat(i % 80) + '\n';
  hash.update(line);
  process.stdout.write(line);
  if (i % 3 === 0) process.stderr.write(line);
}
process.stdout.write('sha256 ' + hash.digest('hex') + '\n');
