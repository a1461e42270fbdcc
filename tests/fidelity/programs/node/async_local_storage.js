// Pins down async context: AsyncLocalStorage over timers, promises, emitters; diagnostics channels.
const { AsyncLocalStorage, AsyncResource, executionAsyncId } = require('async_hooks');
const channel = require('diagnostics_channel').channel('fidelity');
const EventEmitter = require('events');

const store = new AsyncLocalStorage();
const log = [];
const show = (label) => log.push(`${label}: ${JSON.stringify(store.getStore())}`);
channel.subscribe((message) => show(`channel ${message.n}`));
const emitter = new EventEmitter();
emitter.on('event', () => show('emitter'));
emitter.prependListener('event', (...args) => show(`first ${args}`));
store.run({ id: 1 }, () => {
  setTimeout(() => show('timeout'), 2);
  setImmediate(() => emitter.emit('event', 'x', 2));
  Promise.resolve().then(() => show('promise')).then(() => store.exit(() => show('exited')));
  process.nextTick(() => channel.publish({ n: 1 }));
});
const bound = store.run('bound', () => AsyncResource.bind(() => show('resource')));
bound();
show('outside');
store.enterWith('entered');
queueMicrotask(() => show('microtask'));
require('fs').stat('.', () => show('fs callback'));
console.log(executionAsyncId(), emitter.listenerCount('event'), emitter.emit('nobody'));
process.on('exit', () => console.log(log.sort().join('\n')));
