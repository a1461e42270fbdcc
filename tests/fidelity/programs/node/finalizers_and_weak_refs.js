// Pins down garbage collection seen from a program: weak references cleared, finalizers called.
require('v8').setFlagsFromString('--expose-gc');
const gc = require('vm').runInNewContext('gc');

const finalized = [];
const registry = new FinalizationRegistry((name) => finalized.push(name));
const collect = async (count) => {
  for (let i = 0; i < 50 && finalized.length < count; i++) {
    gc();
    await new Promise((done) => setTimeout(done, 2));
  }
};
(async () => {
  let kept = { big: new Array(1000).fill('x') };
  const weak = new WeakRef(kept);
  const map = new WeakMap([[kept, 'value']]);
  registry.register(kept, 'kept');
  (() => registry.register({ short: 'lived' }, 'short-lived'))();
  console.log(weak.deref() === kept, map.get(kept));
  await collect(1);
  console.log(finalized, typeof weak.deref(), map.has(kept));
  kept = null;
  await collect(2);
  console.log(finalized, weak.deref());
})();
