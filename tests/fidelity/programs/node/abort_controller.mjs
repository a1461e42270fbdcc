// Pins down AbortController and timers/promises: aborted waits, reasons, timeouts, event order.
import { setTimeout as sleep, setInterval as every } from 'node:timers/promises';
import { EventEmitter, on, once } from 'node:events';

const control = new AbortController();
control.signal.addEventListener('abort', () => console.log('abort event', control.signal.reason));
const waiting = sleep(10_000, 'never', { signal: control.signal }).catch((error) => `${error.name} ${error.code} ${error.cause}`);
control.abort('my reason');
console.log(await waiting, control.signal.aborted);
console.log(await sleep(1, 'slept'));
let n = 0;
for await (const value of every(1, 'tick')) if (++n === 3) break; else console.log(value, n);
const keep = setInterval(() => {}, 1000);
const short = AbortSignal.timeout(5);
await once(short, 'abort');
clearInterval(keep);
console.log(short.reason.name);
const emitter = new EventEmitter();
setImmediate(() => ['a', 'b', 'end'].forEach((word) => emitter.emit('word', word)));
for await (const [word] of on(emitter, 'word')) if (word === 'end') break; else console.log(word);
try {
  AbortSignal.abort().throwIfAborted();
} catch (error) {
  console.log(error.name, error.message);
}
emitter.emit('error', new Error('no error listener'));
