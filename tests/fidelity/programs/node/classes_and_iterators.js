// Pins down language features: private fields, static blocks, iterators, generators, proxies, tags.
class Counter {
  #count = 0;
  static #made = 0;
  static { Counter.label = `made ${Counter.#made}`; }
  get value() { return this.#count; }
  #step(n) { this.#count += n; return this; }
  add(n = 1) { return this.#step(n); }
  static is(thing) { return #count in thing; }
  *[Symbol.iterator]() { try { for (let i = 0; i < this.#count; i++) yield i; } finally { console.log('closed'); } }
  [Symbol.toPrimitive](hint) { return hint === 'number' ? this.#count : `Counter<${hint}>`; }
}
const counter = new Counter().add().add(3);
console.log(Counter.label, counter.value, Counter.is(counter), Counter.is({}), +counter, `${counter}`, counter + '', [...counter]);
for (const n of counter) if (n === 1) break;
const [a, , ...rest] = counter;
console.log(a, rest, Object.fromEntries(Object.entries({ x: 1, y: 2 }).map(([k, v]) => [v, k])));
function* chat() { let heard = yield 'ready'; while (heard) heard = yield heard.toUpperCase(); return 'bye'; }
const talk = chat();
console.log(talk.next('ignored'), talk.next('hi'), talk.next(), talk.next());
const logged = new Proxy({}, { get: (_, key) => `<${String(key)}>`, has: () => true, ownKeys: () => ['p'] });
console.log(logged.anything, 'x' in logged, Reflect.ownKeys(logged));
console.log(((s, ...v) => s.raw.join('|') + v)`a${1}\n${2}b`, 2n ** 64n, 0.1 + 0.2, -7 % 3, 5 / 0, [10, 9, 1].sort(), [3, 1, 2].toSorted(), [1, 2, 3].at(-1));
console.log('2024-07'.replace(/(?<y>\d+)-(?<m>\d+)/, '$<m>/$<y>'), [...'a1b22'.matchAll(/\d+/g)].map((m) => m.index), /\p{Emoji_Presentation}/u.test('🙂'));
console.log(counter?.missing?.deep ?? 'default', Object.groupBy?.([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even')), structuredClone(new Set([1])));
Reflect.construct(Counter, [], Object).add();
