// Pins down the order of timers, immediates, nextTick and microtasks over several turns.
const log = (text) => () => console.log(text);

setTimeout(() => {
  log('first timeout')();
  process.nextTick(log('tick in timeout'));
  Promise.resolve().then(log('microtask in timeout'));
}, 1);
setTimeout(() => {
  log('second timeout')();
  setImmediate(() => {
    log('immediate')();
    process.nextTick(log('tick in immediate'));
    setImmediate(() => {
      log('immediate of the next turn')();
      setTimeout(last, 0, 'unused');
    });
  });
  setImmediate(log('immediate of the same turn'));
}, 0);
clearTimeout(setTimeout(log('never: cleared'), 1));
clearImmediate(setImmediate(log('never: cleared too')));
let ticks = 0;
function last() {
  log('timeout from immediate')();
  const interval = setInterval(() => {
    log(`interval ${++ticks}`)();
    if (ticks === 3) clearInterval(interval);
  }, 20);
}
setTimeout(log('never: unref'), 100_000).unref();
process.nextTick(log('tick'));
queueMicrotask(log('microtask'));
log('main')();
