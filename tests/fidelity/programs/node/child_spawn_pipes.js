// Pins down spawn: piped streams, stdin to a child, a pipeline of two, inherited stdin, extra pipe.
const { spawn } = require('child_process');

const text = async (stream) => {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) all += chunk;
  return all;
};
(async () => {
  const cat = spawn('cat');
  cat.stdin.end('héllo\n'.repeat(20000));
  console.log((await text(cat.stdout)).length);
  const sort = spawn('sort', ['-r']);
  spawn('printf', ['a\\nc\\nb\\n']).stdout.pipe(sort.stdin);
  console.log((await text(sort.stdout)).split('\n'));
  const both = spawn('sh', ['-c', 'echo "$0|$1"; echo err >&2; echo three >&3; exit 4', 'zero', ''], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const closed = new Promise((done) => both.on('close', (...how) => done(how)));
  console.log(await Promise.all([text(both.stdout), text(both.stderr), text(both.stdio[3])]), await closed);
  const missing = spawn('no-such-program', ['x']);
  missing.on('error', ({ code, syscall, spawnargs }) => console.log(code, syscall, spawnargs));
  await new Promise((done) => missing.on('close', done));
  spawn('sh', ['-c', 'cat; echo on stderr >&2'], { stdio: 'inherit', cwd: '/', env: { PATH: process.env.PATH } });
})();
