// Pins down every exit code a child can hand to its parent, and 139 as a plain own exit code.
const { spawnSync } = require('child_process');

for (const code of [0, 1, 2, 3, 42, 100, 126, 127, 128, 129, 137, 139, 143, 254, 255, 256, 300]) {
  const { status, signal } = spawnSync('sh', ['-c', `exit ${code}`]);
  console.log(code, '->', status, signal);
}
console.log(spawnSync('sh', ['-c', 'no-such-command-here']).status, spawnSync('./no-such-file').error.code);
process.exit(139);
