// Node's kernel: evaluates code as consoles do, in a session's sandbox. kernels/base.py has the words.
// The inspector evaluates, in this very process: its mode for consoles keeps `let`, `const` and
// `class`, lets them be declared again, and awaits at the top level.
//
//   node node_kernel.js [ESBUILD]   with it, code is TypeScript
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const inspector = require('inspector');
const { builtinModules, createRequire } = require('module');
const net = require('net');
const path = require('path');
const util = require('util');
const vm = require('vm');

const { writeSync, openSync, closeSync, unlinkSync } = fs;
const { stringify, parse } = JSON;
const ESBUILD = process.argv[2];
const HIGH = 900; // cells may close what they believe to be theirs: the channel is above
const MOST_TEXT = 256 * 1024; // characters of each text of an error
const SPARE = 16; // or so far below the most that there can be

// --- the host's end --------------------------------------------------------------

function moveUp() {
  const fillers = [];
  try {
    do fillers.push(openSync('/dev/null')); while (fillers[fillers.length - 1] < HIGH);
  } catch {
    for (const fd of fillers.splice(-SPARE)) closeSync(fd);
  }
  const moved = [openSync('/proc/self/fd/3', 'r'), openSync('/proc/self/fd/4', 'w')];
  for (const fd of [...fillers, 3, 4]) closeSync(fd);
  return moved;
}

const [SOURCE, SINK] = moveUp();

function send(document) {
  let data = Buffer.from(`${stringify(document)}\n`);
  while (data.length > 0) {
    try {
      data = data.subarray(writeSync(SINK, data));
    } catch (error) {
      if (error.code !== 'EAGAIN' && error.code !== 'EINTR') process.reallyExit(1);
    }
  }
}

// --- evaluation ------------------------------------------------------------------

const session = new inspector.Session();
session.connect();
const queue = [];
let run = null; // {id}, while a cell runs
let count = 0;
let waits = null; // tells a cell that waits that it is interrupted

class Interrupted extends Error {
  constructor() {
    super('the code was interrupted');
    this.name = 'Interrupted';
    this.stack = `${this.name}: ${this.message}`;
  }
}

function post(method, params) {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

// What code that the inspector evaluates calls; code may freeze the global object, or hide it.
const GLOBAL = globalThis;
const calls = {};
Object.defineProperty(GLOBAL, Symbol.for('drybox'), { value: calls });

// A value that the inspector holds, as this program has it; boxed, for promises are not awaited.
async function valueOf(remote) {
  if (remote.objectId === undefined) {
    if (remote.unserializableValue === undefined) return [remote.value];
    const text = remote.unserializableValue;
    return [text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text)];
  }
  let held;
  calls.take = (value) => { held = [value]; };
  await post('Runtime.callFunctionOn', {
    functionDeclaration: `function () {
      'use strict'; Function('return this')()[Symbol.for('drybox')].take(this);
    }`,
    objectId: remote.objectId,
  });
  return held;
}

const { defineProperty } = Reflect; // which does not throw

function hide(name, value) {
  defineProperty(GLOBAL, name, { value, configurable: true, enumerable: false, writable: true });
}

// What is evaluated runs within a script that SIGINT breaks.
const breakable = new vm.Script(`this[Symbol.for('drybox')].go()`, { filename: 'drybox' });

function evaluate(expression) {
  let answer;
  calls.go = () => {
    answer = post('Runtime.evaluate', {
      expression, replMode: true, awaitPromise: true, objectGroup: 'cell',
    });
  };
  try {
    breakable.runInThisContext({ breakOnSigint: true });
  } catch (error) {
    if (error && error.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new Interrupted();
    throw error;
  }
  const interrupted = new Promise((_, reject) => { waits = () => reject(new Interrupted()); });
  return Promise.race([answer, interrupted]).finally(() => { waits = null; });
}

// --- what Node's REPL knows beside JavaScript ------------------------------------------------

const FOLDER = process.cwd();
hide('require', createRequire(path.join(FOLDER, 'cell.js')));
hide('module', new module.constructor('<cell>'));
hide('exports', globalThis.module.exports);
for (const name of builtinModules) {
  if (name.startsWith('_') || name.includes('/') || name in globalThis) continue;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    get() {
      const value = require(name);
      hide(name, value);
      return value;
    },
    set(value) { hide(name, value); },
  });
}

// The inspector's code cannot import; a script's can.
const loader = vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const importer = loader
  ? new vm.Script('(name, options) => import(name, options)', {
    filename: path.join(FOLDER, 'cell.mjs'), importModuleDynamically: loader,
  }).runInThisContext()
  : (name) => import(/^\.{0,2}\//.test(name) ? path.resolve(FOLDER, name) : globalThis.require.resolve(name));
hide('$import', importer);

function parses(code) {
  try {
    new vm.Script(`async () => {${code}\n}`);
    return true;
  } catch {
    return false;
  }
}

// `import(` becomes `$import(`, but where it is text: what would break the syntax is none.
function withImports(code) {
  if (!/\bimport\b/.test(code)) return code;
  const flat = code.replace(
    /^([ \t]*)import\s+(?:([\w$]+)\s*,?\s*)?(?:\*\s*as\s+([\w$]+)\s+|\{([^}]*)\}\s*)?(?:from\s*)?(['"])([^'"\n]+)\5[ \t]*(?:(?:with|assert)\s*(\{[^}]*\}))?;?/gm,
    (all, indent, standard, whole, some, quote, name, attributes) => {
      const got = `await $import(${stringify(name)}${attributes ? `, { with: ${attributes} }` : ''})`;
      const names = (some || '').split(',').map((word) => word.trim()).filter(Boolean)
        .filter((word) => !word.startsWith('type '))
        .map((word) => word.replace(/\s+as\s+/, ': '));
      if (standard) names.unshift(`default: ${standard}`);
      if (whole) return `${indent}const ${whole} = ${got}${standard ? `, { default: ${standard} } = ${whole}` : ''};`;
      return indent + (names.length ? `const { ${names.join(', ')} } = ${got};` : `${got};`);
    },
  );
  let made = flat !== code && parses(flat) ? flat : code;
  if (!parses(made)) return made;
  for (const match of [...made.matchAll(/(?<![\w$.])import(?=\s*\()/g)].reverse()) {
    const [before, after] = [made.slice(0, match.index), made.slice(match.index + 6)];
    if (!parses(`${before})${after}`)) made = `${before}$import${after}`;
  }
  return made;
}

const uncompiled = new WeakSet();

function withoutTypes(code) {
  const options = { compilerOptions: { verbatimModuleSyntax: true } };
  const made = spawnSync(
    ESBUILD,
    ['--loader=ts', '--target=esnext', '--log-level=error', '--color=false', '--charset=utf8',
      '--sourcefile=cell', `--tsconfig-raw=${stringify(options)}`],
    { input: code, encoding: 'utf8' },
  );
  if (made.status === 0) return made.stdout;
  const error = new SyntaxError((made.stderr || String(made.error)).trim());
  uncompiled.add(error);
  error.stack = `SyntaxError: ${error.message}`;
  throw error;
}

// --- standard streams --------------------------------------------------------------

// Output is written at once: what a pipe has no room for would come after the end of its run, and an
// interrupt in the middle would leave a stream that waits for ever.
for (const [stream, fd] of [[process.stdout, 1], [process.stderr, 2]]) {
  if (stream._handle && stream._handle.setBlocking) stream._handle.setBlocking(true);
  stream.write = (chunk, encoding, callback) => {
    const then = typeof encoding === 'function' ? encoding : callback;
    let data = typeof chunk === 'string' ? Buffer.from(chunk, then === encoding ? 'utf8' : encoding) : chunk;
    while (data.length > 0) {
      try {
        data = data.subarray(writeSync(fd, data));
      } catch (error) {
        if (error.code !== 'EAGAIN') break; // the code has closed it
      }
    }
    if (typeof then === 'function') process.nextTick(then);
    return true;
  };
}

let input = null; // what process.stdin is, once a run has had input

// Lets a run read a text from descriptor 0: the lowest that is free is the one that opens.
function give(text) {
  const name = `/tmp/.stdin-${process.pid}`;
  try {
    if (text !== null) fs.writeFileSync(name, text);
    try { closeSync(0); } catch { /* the code has closed it */ }
    openSync(text === null ? '/dev/null' : name);
  } finally {
    if (text !== null) unlinkSync(name);
  }
  input = null;
  defineProperty(process, 'stdin', {
    configurable: true,
    enumerable: true,
    get() {
      input = input || new fs.ReadStream(null, { fd: 0, autoClose: false });
      return input;
    },
  });
}

// --- cells -----------------------------------------------------------------------

function show(value) {
  try {
    return util.inspect(value, { showProxy: true });
  } catch (error) {
    return `<it cannot be shown: ${error}>`;
  }
}

// The stack without what is the kernel's own.
function traceOf(error) {
  const lines = show(error).split('\n');
  const own = lines.findIndex((line) => /^\s+at .*node:inspector/.test(line));
  if (own < 0) return lines.join('\n');
  const after = lines.slice(own).findIndex((line) => !/^\s+at /.test(line));
  return [...lines.slice(0, own), ...(after < 0 ? [] : lines.slice(own + after))].join('\n');
}

// An answer that is too long would be let go whole.
function cut(text) {
  const leftOut = text.length - MOST_TEXT;
  if (leftOut <= 0) return text;
  return `${text.slice(0, MOST_TEXT / 2)}\n[${leftOut} characters left out]\n${text.slice(-MOST_TEXT / 2)}`;
}

function fail(error) {
  const is = util.types.isNativeError(error) || error instanceof Error;
  let [name, value] = ['Error', ''];
  try {
    [name, value] = is ? [String(error.name), String(error.message)] : [typeof error, show(error)];
  } catch { /* its own words cannot be had */ }
  const traceback = cut(is ? traceOf(error) : `Uncaught ${value}`);
  const compile = is && uncompiled.has(error);
  send({ type: 'error', id: run.id, name: cut(name), value: cut(value), traceback, compile });
}

async function runCell({ id, code, stdin }) {
  run = { id };
  count += 1;
  let lost = false;
  try {
    if (stdin !== undefined) give(stdin);
    const source = withImports(ESBUILD ? withoutTypes(code) : code);
    const { result, exceptionDetails } = await evaluate(source);
    const [value] = await valueOf(exceptionDetails ? exceptionDetails.exception : result);
    if (exceptionDetails) {
      fail(value);
    } else if (value !== undefined) {
      send({ type: 'result', id, data: { 'text/plain': show(value) }, metadata: {} });
    }
    if (exceptionDetails) hide('_error', value); else hide('_', value);
  } catch (error) {
    fail(error);
    // Node has let go of the inspector: it does before it sends itself a signal that nothing handles.
    lost = error.code === 'ERR_INSPECTOR_COMMAND' && /context/.test(error.message);
  }
  await new Promise((resolve) => { setImmediate(resolve); }); // what is rejected is told of
  if (lost) process.exit(0);
  if (stdin !== undefined) give(null);
  session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
  end();
}

function end(more = {}) {
  const { id } = run;
  run = null;
  send({ type: 'done', id, execution_count: count, ...more });
}

async function complete({ id, code, cursor }) {
  const [all, owner, word] = /(?:([\w$.]+)\.)?([\w$]*)$/.exec(code.slice(0, cursor));
  let names = [];
  try {
    const { names: declared } = await post('Runtime.globalLexicalScopeNames');
    const { result, exceptionDetails } = await post('Runtime.evaluate', {
      expression: owner || 'globalThis', throwOnSideEffect: true, timeout: 500,
    });
    let [value] = exceptionDetails ? [] : await valueOf(result);
    if (!owner) names = [...declared];
    for (value = value == null ? null : Object(value); value; value = Object.getPrototypeOf(value)) {
      names.push(...Object.getOwnPropertyNames(value));
    }
  } catch { /* nothing is known of it */ }
  const fits = (name) => name.startsWith(word) && /^[\w$]+$/.test(name) && !/^\d/.test(name);
  const matches = all === '' ? [] : [...new Set(names.filter(fits))].sort().slice(0, 1000);
  send({ type: 'completions', id, matches, start: cursor - word.length, end: cursor });
}

// --- life ------------------------------------------------------------------------

async function serve() {
  while (queue.length > 0) {
    const request = queue[0];
    if (request.type === 'run') await runCell(request);
    else if (request.type === 'complete') await complete(request);
    else if (request.type === 'setup') Object.assign(process.env, request.env);
    queue.shift();
  }
}

process.on('SIGINT', () => { if (waits) waits(); });
for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, (error) => {
    if (error instanceof Interrupted) return;
    process.stderr.write(`Uncaught ${traceOf(error)}\n`);
  });
}
if (ESBUILD && !fs.existsSync(ESBUILD)) {
  process.stderr.write('there is no esbuild here\n');
  process.reallyExit(127);
}
process.on('exit', (code) => {
  if (!run) return;
  if (code) send({ type: 'error', id: run.id, name: 'Exit', value: String(code), traceback: '' });
  end({ ending: true });
});

let rest = Buffer.alloc(0);
const requests = new net.Socket({ fd: SOURCE, readable: true, writable: false });
requests.on('data', (data) => {
  rest = Buffer.concat([rest, data]);
  const idle = queue.length === 0;
  for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
    queue.push(parse(rest.subarray(0, at).toString('utf8')));
    rest = rest.subarray(at + 1);
  }
  if (idle) serve();
});
requests.on('close', () => process.reallyExit(0));
process.argv.splice(1, Infinity);

(async () => {
  const { emitWarning } = process;
  process.emitWarning = () => {}; // what imports for cells is experimental, and warns once
  await importer('node:fs');
  process.emitWarning = emitWarning;
  await valueOf((await evaluate('({ a: [1, new Map()] })')).result).then(([value]) => show(value));
  session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
  send({ type: 'ready' });
})();
