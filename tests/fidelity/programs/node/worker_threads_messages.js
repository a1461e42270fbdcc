// Pins down worker threads: messages, transfer, SharedArrayBuffer with Atomics, stdout, exit code.
const { Worker, isMainThread, parentPort, workerData, threadId } = require('worker_threads');

if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(__filename, { workerData: { shared, name: 'wörker' }, stdout: true });
  const buffer = new ArrayBuffer(16);
  worker.postMessage({ buffer, map: new Map([[1, new Set(['a'])]]), when: new Date(0) }, [buffer]);
  console.log('transferred', buffer.byteLength);
  console.log('woken', Atomics.wait(shared, 0, 0, 5000) !== 'timed-out', Atomics.load(shared, 1));
  const seen = { text: '' };
  worker.stdout.on('data', (text) => (seen.text += text));
  worker.on('message', (message) => (seen.message = message));
  worker.on('exit', (code) => (seen.code = code));
  process.on('exit', () => console.log(seen));
} else {
  console.log('hello from', workerData.name);
  parentPort.once('message', ({ buffer, map, when }) => {
    parentPort.postMessage([buffer.byteLength, map, when.toISOString(), threadId > 0]);
    process.exitCode = 5;
  });
  Atomics.store(workerData.shared, 1, 77);
  Atomics.store(workerData.shared, 0, 1);
  Atomics.notify(workerData.shared, 0);
}
