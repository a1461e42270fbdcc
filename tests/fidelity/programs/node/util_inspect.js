// Pins down console and util.inspect: nesting, circles, getters, proxies, tables, groups, formats.
const util = require('util');

const circular = { name: 'loop', list: [1, , 3], deep: { a: { b: { c: { d: 1 } } } } };
circular.self = circular;
console.log(circular, [undefined, null, -0, 10n, Symbol('s')], 'text', ['te"x\'t']);
console.log(new Map([[{ k: 1 }, new Set([1, 'two'])]]), new WeakMap(), Promise.resolve(5), (async () => {})(), /re/gi, new Date(0));
console.log(class A extends Array {}, function named() {}, () => {}, Object.create(null), new (class Foo { #p = 1; q = 2; })(), new Proxy({ a: 1 }, {}));
console.log(util.inspect({ get g() { return 1; }, set s(v) {}, [Symbol('k')]: 1 }, { getters: true, colors: true, compact: false }));
console.log(util.inspect('x'.repeat(200).split(''), { maxArrayLength: 3 }), util.inspect('long '.repeat(30), { maxStringLength: 10 }));
console.log(Array.from({ length: 120 }, (_, i) => i), util.inspect(globalThis, { depth: -1 }).length > 0);
console.log('%s is %d years and %i, %f, %j %o %O %% %c done', 'Zoë', 42.5, 42.9, '1.5', { a: 1 }, [1], { b: 2 }, 'css', 'extra');
console.table([{ a: 1, b: 'ü' }, { a: 2, c: true }]);
console.group('group');
console.error('indented on stderr');
console.log('two\nlines');
console.groupEnd();
console.dir({ a: { b: { c: {} } } }, { depth: 0 });
console.count(); console.count('x'); console.count();
console.log(util.format('%s', null, undefined), util.isDeepStrictEqual({ a: [1] }, { a: [1] }), util.types.isProxy(new Proxy({}, {})));
