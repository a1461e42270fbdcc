// Pins down a module that awaits something that never settles: a warning and exit code 13.
process.on('exit', (code) => console.log('exit', code));
console.log('waiting for nothing');
await new Promise(() => {});
console.log('never printed');
