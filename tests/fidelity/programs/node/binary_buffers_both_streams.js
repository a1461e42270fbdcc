// Pins down that all 256 byte values and invalid UTF-8 pass unchanged through both streams.
const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
process.stdout.write(Buffer.concat([every, Buffer.from(every).reverse()]));
process.stdout.write(Buffer.from('fffec328f09f920a', 'hex'));
process.stderr.write(new Uint8Array(every));
process.stdout.write('caf\u00e9 ', 'latin1');
process.stdout.write('666f6f0a', 'hex');
process.stderr.write(Buffer.from('eda080c080', 'hex'), () => process.stderr.write('\xff\x00', 'binary'));
