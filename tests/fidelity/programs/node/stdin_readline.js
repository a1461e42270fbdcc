// Pins down readline over stdin: line ends, an empty line, Unicode, no newline at the end.
const readline = require('readline');

(async () => {
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) console.log(++number, JSON.stringify(line), Buffer.byteLength(line));
  console.log('closed after', number);
})();
