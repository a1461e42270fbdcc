// Pins down microtask order: async functions, thenables, nested ticks, generators, for await.
const log = [];
const thenable = { then(done) { log.push('then called'); done('thenable'); } };

async function first() {
  log.push('first');
  await null;
  log.push('first after await');
  return thenable;
}
first().then((value) => log.push(value));
process.nextTick(() => log.push('tick'));
Promise.resolve().then(() => log.push('p1')).then(() => log.push('p2')).then(() => process.nextTick(() => log.push('tick 2')));
Promise.reject(1).catch(() => log.push('caught')).finally(() => log.push('finally'));
async function* numbers() {
  try {
    yield* [1, Promise.resolve(2), 3];
  } finally {
    log.push('generator closed');
  }
}
for await (const n of numbers()) {
  log.push(n);
  if (n === 2) break;
}
await new Promise((done) => setImmediate(done));
console.log(log.join('\n'));
