// Pins down that exit codes are cut to eight bits: 256 * 4 + 42, and that -1 is 255 for a child.
const { spawnSync } = require('child_process');

console.log(spawnSync(process.execPath, ['-e', 'process.exit(-1)']).status);
process.exit(1066);
