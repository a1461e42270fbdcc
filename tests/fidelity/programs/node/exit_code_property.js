// Pins down process.exitCode 3: everything pending still runs, and the last value wins.
process.exitCode = 9;
process.on('beforeExit', (code) => {
  console.log('beforeExit', code);
  if (code === 9) setTimeout(() => { process.exitCode = 3; }, 1);
});
process.on('exit', (code) => console.log('exit', code));
setTimeout(() => console.log('timer still runs'), 5);
