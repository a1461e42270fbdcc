"""The programs in JavaScript."""

from tests.conformance.programs import Programs

KILL = """\
require("fs").writeSync(1, "before\\n");
process.kill(process.pid, "{name}");
setInterval(() => {{}}, 1000);
"""

PROGRAMS = Programs(
    language="node",
    names=("node", "javascript", "js"),
    compiles=False,
    start=3.0,
    hello="""\
console.log("Hello, World!");
console.error("a word");
""",
    exit="""\
console.log("before");
process.exitCode = Number(process.argv[2]);
""",
    signals={name: KILL.format(name=name) for name in ("SIGTERM", "SIGSEGV", "SIGKILL", "SIGABRT")},
    broken="console.log('never');\nif true {\n",
    complaint="SyntaxError",
    complain="""\
process.stderr.write(require("fs").readFileSync("words.txt"));
process.exitCode = 1;
""",
    hang="""\
console.log("ready");
console.error("waiting");
setInterval(() => {}, 1000);
""",
    hog="""\
require("fs").writeSync(1, "ready\\n");
const hoard = [];
for (;;) hoard.push(Buffer.alloc(1 << 20, "x"));
""",
    touch="""\
const hoard = Buffer.alloc(Number(process.argv[2]) << 20, "x");
console.log(hoard[0] ? "done" : "");
""",
    flood="""\
const fs = require("fs");
const fd = { stdout: 1, stderr: 2 }[process.argv[2]];
const block = Buffer.from("0123456789".repeat(100));
let left = Number(process.argv[3]);
while (left) left -= fs.writeSync(fd, block, 0, left % 1000 || 1000);
""",
    busy="""\
const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
while (used() < 1e6);
console.log("done");
""",
    cat="""\
process.stdin.pipe(process.stdout);
""",
    words="""\
for (const word of process.argv.slice(2)) process.stdout.write(word + "\\0");
""",
    variable="""\
process.stdout.write(process.env[process.argv[2]]);
""",
    split="""\
const fs = require("fs");
fs.writeSync(1, Buffer.from([0xc3]));
process.stdin.once("data", () => {
  fs.writeSync(1, Buffer.from([0xa9, 0x0a]));
  process.exit(0);
});
""",
    talk="""\
console.log("ready");
require("readline").createInterface({ input: process.stdin })
  .on("line", (line) => console.log("got", line));
""",
    clock="""\
console.log(Date.now() / 1000);
setTimeout(() => console.log(Date.now() / 1000), Number(process.argv[2]) * 1000);
""",
    write="""\
const fs = require("fs");
fs.mkdirSync("out/deep", { recursive: true });
fs.writeFileSync("top.txt", "top\\n");
fs.writeFileSync("out/text.txt", "text\\n");
fs.writeFileSync("out/deep/bytes.bin", Buffer.from([...Array(256).keys()]));
fs.symlinkSync("/etc/passwd", "out/link.txt");
process.exitCode = 3;
""",
    project={
        "main.js": "console.log(require('./parts/words').phrase());\n",
        "parts/words.js": (
            "const fs = require('fs');\n"
            "exports.phrase = () => 'whole ' + fs.readFileSync('data/noun.txt', 'utf8').trim();\n"
        ),
        "data/noun.txt": "project\n",
        "tools/other.mjs": b"import process from 'node:process';\nconsole.log('other entry');\n",
    },
    other_entry="tools/other.mjs",
)
