// Pins down fork: messages both ways, advanced serialization, disconnect, inherited arguments.
const { fork } = require('child_process');

if (process.argv[2] === 'child') {
  process.on('message', (message) => {
    process.send({ echo: message, connected: process.connected, args: process.argv.slice(2) });
    if (message === 'leave') process.disconnect();
  });
  process.on('disconnect', () => process.exit(process.connected ? 1 : 6));
} else {
  console.log(process.connected, process.send);
  const child = fork(__filename, ['child', 'two words'], { serialization: 'advanced' });
  child.on('message', (message) => {
    console.log('parent got', message);
    if (message.echo !== 'leave') child.send('leave');
  });
  child.on('exit', (code, signal) => console.log('exit', code, signal, child.connected));
  child.send({ text: 'ünï', big: 2n ** 70n, bytes: new Uint8Array([1, 2]), map: new Map([['k', undefined]]) });
}
