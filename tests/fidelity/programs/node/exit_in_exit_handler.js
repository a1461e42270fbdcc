// Pins down process.exit inside an exit handler changing the code to 128, skipping later handlers.
process.on('exit', (code) => {
  console.log('first handler', code);
  setTimeout(() => console.log('never: no more timers'), 0);
  Promise.resolve().then(() => console.log('never: no more microtasks'));
});
process.on('exit', () => process.exit(128));
process.on('exit', () => console.log('never: exit was called'));
try {
  process.exit(1);
} finally {
  console.log('never: exit does not unwind');
}
