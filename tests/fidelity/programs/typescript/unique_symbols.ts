const key: unique symbol = Symbol("key");
interface Keyed { [key]: number; }
const keyed: Keyed = { [key]: 3 };
console.log(keyed[key], Object.getOwnPropertySymbols(keyed).length, key.toString());
const map = new Map<symbol, WeakRef<object>>([[key, new WeakRef(keyed)]]);
console.log(map.get(key)?.deref() === keyed, structuredClone({ a: [1n, new Date(0)] }));
