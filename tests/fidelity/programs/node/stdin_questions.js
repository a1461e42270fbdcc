// Pins down readline questions over a pipe: prompts on stdout, answers in order, then end of input.
const readline = require('readline/promises');

const rl = readline.createInterface({ input: process.stdin, output: process.stdout, terminal: false });
const waiting = [];
const queue = [];
rl.on('line', (line) => (waiting.length ? waiting.shift()(line) : queue.push(line)));
const ask = (text) => {
  rl.setPrompt(text);
  rl.prompt();
  return queue.length ? queue.shift() : new Promise((done) => waiting.push(done));
};
rl.on('close', () => console.log('\nend of input'));
(async () => {
  console.log('hello', await ask('name? '));
  console.log('twice', 2 * (await ask('number? ')));
  await ask('never answered? ');
})();
