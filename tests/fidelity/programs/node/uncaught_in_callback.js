// Pins down an error thrown out of a timer: earlier timers ran, later ones do not, exit handlers do.
process.on('exit', (code) => console.log('exit handler', code, process.exitCode));
setTimeout(() => console.log('timer before'), 0);
setImmediate(function failing() {
  setTimeout(function thrower() {
    null.property;
  }, 5);
  setTimeout(() => console.log('never printed'), 500);
});
console.log('main done');
