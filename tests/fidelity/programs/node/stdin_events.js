// Pins down the events of process.stdin: setEncoding across split characters, pause, end, close order.
const { stdin } = process;
let text = '';
stdin.setEncoding('utf8');
stdin.on('data', (chunk) => {
  text += chunk;
  stdin.pause();
  setTimeout(() => stdin.resume(), 1);
});
stdin.on('end', () => console.log('end', text.length, JSON.stringify(text)));
stdin.on('close', () => console.log('close', stdin.readableEnded, stdin.destroyed));
process.on('exit', (code) => console.log('exit', code));
console.log(stdin.fd, stdin.isTTY, stdin.readableFlowing, stdin.constructor.name);
