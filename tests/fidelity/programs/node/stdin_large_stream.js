// Pins down more than 64 KB of stdin piped through a transform into a hash.
const { createHash } = require('crypto');
const { pipeline, Transform } = require('stream');

let bytes = 0;
let newlines = 0;
const count = new Transform({
  transform(chunk, encoding, done) {
    bytes += chunk.length;
    for (const byte of chunk) newlines += byte === 10;
    done(null, chunk);
  },
});
const hash = createHash('sha256');
pipeline(process.stdin, count, hash, (error) => console.log(error, bytes, newlines, hash.digest('hex')));
