// Pins down streams: transforms, backpressure, object mode, errors in a pipeline, web streams.
import { PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const upper = () => new Transform({ transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()) });
const gathered = [];
const slow = new Writable({
  highWaterMark: 3,
  write(chunk, encoding, done) { gathered.push(String(chunk)); setImmediate(done); },
  final(done) { gathered.push('final'); done(); },
});
await pipeline(Readable.from(['ab', 'cde', 'f']), upper(), slow);
console.log(gathered, slow.writableLength, slow.writableFinished);
console.log(slow.write === Writable.prototype.write, new PassThrough({ highWaterMark: 2 }).write('xyz'));
console.log(await Readable.from([1, 2, 3, 4]).filter((n) => n % 2).map((n) => ({ n })).toArray());
try {
  await pipeline(Readable.from(['x']), async function* broken(source) {
    for await (const chunk of source) yield chunk;
    throw new RangeError('broken stage');
  }, new PassThrough().resume());
} catch (error) {
  console.log(error.message);
}
const web = new Blob(['wéb ', 'stream']).stream().pipeThrough(new TextDecoderStream());
for await (const chunk of web) console.log(chunk);
await pipeline(Readable.from(['straight ', 'to stdout\n']), process.stdout, { end: false });
process.stderr.end('stderr ended\n');
const writable = new Writable({ write() {} });
writable.end();
writable.write('too late');
