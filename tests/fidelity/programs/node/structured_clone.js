// Pins down structuredClone, MessageChannel and EventTarget: kept types, identity, DataCloneError.
const original = { date: new Date(0), map: new Map([['k', { deep: [1n, undefined] }]]), re: /x/gi, error: new RangeError('r', { cause: 1 }), bytes: new Uint8Array([1, 2]) };
original.self = original;
const copy = structuredClone(original);
console.log(copy.self === copy, copy.map.get('k'), copy.date.getTime(), copy.re, copy.error instanceof RangeError, copy.error.cause, copy.bytes);
console.log(structuredClone(new (class Point { x = 1; })()).constructor.name, structuredClone([, 1]), Object.is(structuredClone(-0), -0));
for (const bad of [() => {}, Symbol('s'), { nested: new WeakMap() }]) {
  try {
    structuredClone(bad);
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }
}
const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => {
  console.log('got', data);
  port1.close();
};
port2.postMessage({ via: 'channel', list: [1, 2] });
const target = new EventTarget();
target.addEventListener('ping', (event) => console.log(event.type, event.cancelable, event instanceof Event), { once: true });
console.log(target.dispatchEvent(new Event('ping')), target.dispatchEvent(new Event('ping', { cancelable: true })));
