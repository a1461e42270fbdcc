// Installs npm's archives into a folder, in a sandbox: ARCHIVES FOLDER NPM. No script runs.
const [archives, folder, npmHome] = process.argv.slice(1);
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const carried = path.join(npmHome, 'node');
const own = path.join(path.dirname(process.execPath), '../lib/node_modules/npm');
const cli = [path.join(npmHome, 'npm'), own, '/usr/local/lib/node_modules/npm',
  '/usr/share/nodejs/npm'].map((at) => path.join(at, 'bin/npm-cli.js')).find(fs.existsSync);
const node = fs.existsSync(carried) ? carried : process.execPath;
if (!cli) {
  process.stderr.write('There is no npm in this sandbox.\n');
  process.exit(1);
}
fs.mkdirSync(folder);
for (const name of ['package.json', 'package-lock.json']) {
  fs.copyFileSync(path.join(archives, name), path.join(folder, name));
}
const done = spawnSync(node, [cli, 'ci', '--offline', '--ignore-scripts', '--no-audit', '--no-fund',
  '--no-progress', '--no-update-notifier', '--color=false', '--loglevel=error', '--logs-max=0',
  '--cache', `${folder}.cache`], { cwd: folder, stdio: 'inherit', env: { ...process.env,
  HOME: `${folder}.home` } });
fs.rmSync(path.join(folder, 'node_modules/.package-lock.json'), { force: true });
process.exit(done.status === null ? 1 : done.status);
