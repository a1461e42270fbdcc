// Pins down the uncaught error of execSync: the child's stderr passes through, its output in the error.
const { execSync } = require('child_process');

console.log(execSync('echo one; echo two | tr a-z A-Z', { encoding: 'utf8' }).split('\n'));
console.log(execSync('cat', { input: Buffer.from([0, 255, 10]) }));
console.log(execSync('echo "$GIVEN"', { env: { GIVEN: 'a  b', PATH: process.env.PATH }, shell: '/bin/sh' }).toString());
try {
  execSync('yes', { maxBuffer: 1000, stdio: 'pipe' });
} catch (error) {
  console.log(error.code, error.stdout.length > 0);
}
process.on('uncaughtException', ({ status, signal, stdout, stderr, message }) => {
  console.log({ status, signal, stdout: String(stdout), stderr: String(stderr), message });
  process.exit(1);
});
execSync('echo partial; echo complaint >&2; exit 77');
