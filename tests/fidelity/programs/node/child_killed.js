// Pins down how killed children look to their parent: signals, timeouts, aborts, shells.
const { exec, execFileSync, spawn, spawnSync } = require('child_process');

for (const name of ['TERM', 'KILL', 'SEGV', 'INT', 'ABRT', 'USR1', 'HUP']) {
  const { status, signal } = spawnSync('sh', ['-c', `kill -${name} $$; echo survived`]);
  console.log(name, status, signal);
}
console.log(String(execFileSync('sh', ['-c', "sh -c 'kill -9 $$'; echo $?"], { stdio: 'pipe' })).trim());
const late = spawnSync('sleep', ['10'], { timeout: 30 });
console.log(late.status, late.signal, late.error.code);
const control = new AbortController();
const sleeper = spawn('sleep', ['10'], { signal: control.signal });
sleeper.on('error', (error) => console.log(error.name));
sleeper.on('exit', (code, signal) => {
  console.log('exit', code, signal, sleeper.killed, sleeper.kill());
  exec('kill -USR2 $$', (error) => {
    console.log(error.code, error.signal, error.killed);
    exec('echo out; echo err >&2; exit 255', (failed, out, err) => console.log(failed.code, [out, err], failed.message));
  });
});
sleeper.on('spawn', () => control.abort());
