// Pins down death by the program's own SIGKILL from inside a promise callback.
console.log('about to go');
Promise.resolve().then(() => {
  console.error('on stderr too');
  process.kill(process.pid, 'SIGKILL');
});
setTimeout(() => console.log('never printed'), 1000);
