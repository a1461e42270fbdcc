// Pins down process warnings through the 'warning' event (the default printer would show the pid).
process.removeAllListeners('warning');
process.on('warning', (w) => console.error(`${w.name} [${w.code ?? '-'}] ${w.message} ${w.detail ?? ''}`));
process.emitWarning('plain warning');
process.emitWarning('with code', { type: 'CustomWarning', code: 'W042', detail: 'some detail' });
process.emitWarning('old thing', 'DeprecationWarning', 'DEP9999');
const emitter = new (require('events'))();
for (let i = 0; i < 12; i++) emitter.on('x', () => {});
const deprecated = require('util').deprecate((n) => n * 2, 'use the new one', 'DEP_TEST');
console.log(deprecated(2), deprecated(3));
console.warn('console.warn goes to stderr');
console.assert(1 > 2, 'assertion %s', 'text');
console.trace('trace %d', 1);
