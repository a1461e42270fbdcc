// Pins down compression: gzip, deflate, brotli, streaming, flushes and a damaged input.
const zlib = require('zlib');
const { createHash } = require('crypto');
const { promisify } = require('util');

const text = Buffer.from('the quick brown fox – 🦊\n'.repeat(500));
const short = (data) => createHash('sha1').update(data).digest('hex').slice(0, 12);
for (const [pack, unpack] of [['gzipSync', 'gunzipSync'], ['deflateSync', 'inflateSync'], ['deflateRawSync', 'inflateRawSync'], ['brotliCompressSync', 'brotliDecompressSync']]) {
  const packed = zlib[pack](text);
  console.log(pack, packed.length, short(packed), zlib[unpack](packed).equals(text));
}
(async () => {
  const packed = await promisify(zlib.gzip)(text, { level: 9 });
  console.log((await promisify(zlib.unzip)(packed)).length);
  const stream = zlib.createGzip();
  stream.write('part one, ');
  stream.flush(() => stream.end('part two'));
  const parts = [];
  for await (const part of stream) parts.push(part);
  console.log(zlib.gunzipSync(Buffer.concat(parts)).toString(), parts.length > 1);
  packed[20] ^= 0xff;
  await promisify(zlib.gunzip)(packed);
})();
