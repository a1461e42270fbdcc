// Pins down an empty stdin: end without data, an empty synchronous read, then code 42.
const fs = require('fs');
console.log(JSON.stringify(fs.readFileSync(0, 'utf8')), fs.readSync(0, Buffer.alloc(10)));
process.stdin.on('data', () => console.log('never: no data'));
process.stdin.on('end', () => {
  console.log('end');
  process.exitCode = 42;
});
