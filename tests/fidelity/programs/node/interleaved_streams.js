// Pins down the order of writes when stdout and stderr are one and the same pipe, and raw fs writes.
const fs = require('fs');
const { spawnSync } = require('child_process');

if (process.argv[2] === 'child') {
  for (let i = 0; i < 4; i++) {
    console.log('out', i);
    console.error('err', i);
    fs.writeSync(1, `raw ${i}\n`);
  }
  setImmediate(() => console.error('err later'));
  Promise.resolve().then(() => console.log('out soon'));
  process.on('exit', () => fs.writeSync(2, 'raw at exit\n'));
} else {
  console.log('parent first');
  const { status } = spawnSync(process.execPath, [__filename, 'child'], { stdio: ['ignore', 1, 1] });
  console.log('parent last', status);
}
