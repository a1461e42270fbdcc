// Pins down an error in a worker: an event if somebody listens, fatal for the program if nobody does.
import { Worker } from 'node:worker_threads';

const source = `
  class Odd extends TypeError { extra = { a: 1 }; }
  require('worker_threads').parentPort.postMessage('up');
  throw new Odd('thrown in a worker');
`;
const run = (code) => new Promise((done) => {
  const seen = {};
  const worker = new Worker(code, { eval: true });
  worker.on('message', (message) => (seen.message = message));
  worker.on('error', (error) => (seen.error = [error.name, error.message, error instanceof TypeError]));
  worker.on('online', () => code.startsWith('setInterval') && worker.terminate());
  worker.on('exit', (status) => done([seen.message, seen.error, status]));
});
console.log(await run(source));
console.log(await run('setInterval(() => {}, 1000)'));
console.log(await run('process.exit(7)'));
Error.stackTraceLimit = 0; // whether its message or its end comes first differs from run to run
new Worker('Promise.reject(new RangeError("nobody listens"))', { eval: true });
