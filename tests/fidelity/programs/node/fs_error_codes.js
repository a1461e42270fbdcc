// Pins down the codes and texts that file operations fail with.
const fs = require('fs');

fs.mkdirSync('full');
fs.writeFileSync('full/file', 'x');
fs.symlinkSync('loop', 'loop');
const attempts = {
  missing: () => fs.readFileSync('missing'),
  'read dir': () => fs.readFileSync('full'),
  'write dir': () => fs.writeFileSync('full', ''),
  'list file': () => fs.readdirSync('full/file'),
  'below file': () => fs.statSync('full/file/x'),
  'rmdir full': () => fs.rmdirSync('full'),
  'rm dir': () => fs.rmSync('full'),
  'mkdir twice': () => fs.mkdirSync('full'),
  exclusive: () => fs.openSync('full/file', 'wx'),
  loop: () => fs.readFileSync('loop'),
  'long name': () => fs.openSync('n'.repeat(300)),
  'rename missing': () => fs.renameSync('missing', 'x'),
  'readlink file': () => fs.readlinkSync('full/file'),
  'bad fd': () => fs.readSync(99, Buffer.alloc(1)),
  'full device': () => fs.writeSync(fs.openSync('/dev/full', 'w'), 'x'),
  'nul in name': () => fs.openSync('a\0b'),
};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    console.log(name, 'worked', attempt());
  } catch (error) {
    console.log(`${name}: ${error.code} ${error.errno} ${error.message}`.replace('n'.repeat(300), 'nnn'));
  }
}
fs.unlinkSync('no/such/file');
