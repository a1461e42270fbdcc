// Pins down SIGINT: handled once by a listener, deadly after the listener is gone.
process.once('SIGINT', (name, number) => {
  console.log('caught', name, number);
  process.kill(process.pid, 'SIGINT');
});
setTimeout(() => console.log('never printed'), 2000);
process.kill(process.pid, 'SIGINT');
