"""The programs in TypeScript: JavaScript's, with types where there is something to say of them."""

from dataclasses import replace

from tests.conformance.programs import node

PROGRAMS = replace(
    node.PROGRAMS,
    language="typescript",
    names=("typescript", "ts"),
    compiles=True,
    hello="""\
enum Word { First = "Hello", Second = "World" }
interface Greeting { readonly words: Word[] }
const greeting: Greeting = { words: [Word.First, Word.Second] };
console.log(`${greeting.words.join(", ")}!`);
console.error("a word" as string);
""",
    exit="""\
const [, , code]: string[] = process.argv;
console.log("before");
process.exitCode = Number(code!);
""",
    broken="console.log('never');\nlet number: = 'text';\n",
    complaint="main.ts:2:12",
    complain="""\
import { readFileSync } from "fs";
process.stderr.write(readFileSync("words.txt"));
process.exitCode = 1 as const;
""",
    touch="""\
const hoard: Buffer = Buffer.alloc(Number(process.argv[2]) << 20, "x");
console.log(hoard[0] ? "done" : "");
""",
    words="""\
for (const word of process.argv.slice(2) satisfies string[]) process.stdout.write(word + "\\0");
""",
    write="""\
import * as fs from "node:fs";
fs.mkdirSync("out/deep", { recursive: true });
fs.writeFileSync("top.txt", "top\\n");
fs.writeFileSync("out/text.txt", "text\\n");
const bytes: number[] = Array.from({ length: 256 }, (_: unknown, i: number) => i);
fs.writeFileSync("out/deep/bytes.bin", Buffer.from(bytes));
fs.symlinkSync("/etc/passwd", "out/link.txt");
process.exitCode = 3;
""",
    project={
        "main.ts": 'import { phrase } from "./parts/words";\nconsole.log(phrase());\n',
        "parts/words.ts": (
            'import { readFileSync } from "fs";\n'
            'import type { Text } from "./types.js";\n'
            "export function phrase(): Text {\n"
            "  return `whole ${readFileSync('data/noun.txt', 'utf8').trim()}`;\n"
            "}\n"
        ),
        "parts/types.ts": "export type Text = string;\n",
        "data/noun.txt": "project\n",
        "tools/other.ts": b"console.log('other entry' as string);\n",
    },
    other_entry="tools/other.ts",
)
