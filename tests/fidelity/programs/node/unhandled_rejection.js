// Pins down an unhandled rejection: handled ones are fine, the other ends the program with code 1.
process.on('exit', (code) => console.log('exit handler', code));
Promise.reject(new Error('handled in time')).catch((error) => console.log(error.message));
setTimeout(() => console.log('never printed'), 200);

async function inner() {
  await null;
  throw new Error('nobody waits for this');
}

(async function outer() {
  await inner();
})();
console.log('main done');
