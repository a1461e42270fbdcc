// Loaded by a Node process before it looks for its program: waits for a job, and leaves nothing
// behind but what the first program to print anything would have had to load itself.
'use strict';

const CHANNEL = 100;

function load() {
  require('net');
  require('tty');
  const { Console } = require('console');
  const nobody = { write() {}, on() {}, once() {}, removeListener() {}, listenerCount: () => 0 };
  const console = new Console({ stdout: nobody, stderr: nobody });
  console.log('%s', 'text', 1, [true, null], { a: new Map([[1, new Set(['x'])]]) });
  console.error(new Error('never seen'));
}

function read(fs, size) {
  const data = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const count = fs.readSync(CHANNEL, data, at, size - at, null);
    if (count === 0) process.reallyExit(1);
    at += count;
  }
  return data;
}

// It starts in a folder that is gone: only so has Node not looked at the program's yet.
function enter() {
  const path = require('path');
  const program = process.argv[1];
  if (path.isAbsolute(program)) process.reallyExit(1); // this Node knows where it is all the same
  process.chdir('/sandbox');
  process.argv[1] = path.resolve(program);
}

function takeJob() {
  const fs = require('fs');
  fs.writeSync(CHANNEL, 'W');
  const job = read(fs, read(fs, 4).readUInt32LE());
  fs.closeSync(CHANNEL);
  enter();
  const words = job.toString('utf8', 8).split('\0');
  const count = job.readUInt32LE();
  const pairs = words.slice(count, -1).map((word) => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)];
  });
  const env = new Map(pairs);
  process.argv.splice(2, Infinity, ...words.slice(process.execArgv.length + 2, count));
  for (const name of Object.keys(process.env)) {
    if (!env.has(name)) delete process.env[name];
  }
  for (const [name, value] of env) {
    if (process.env[name] !== value) process.env[name] = value;
  }
}

function leave() {
  const { _pathCache: paths } = require('module');
  delete require.cache[__filename];
  for (const key of Object.keys(paths)) {
    if (paths[key] === __filename) delete paths[key];
  }
}

// Workers of the program are told to load this as well.
if (require('worker_threads').isMainThread) {
  load();
  takeJob();
}
leave();
