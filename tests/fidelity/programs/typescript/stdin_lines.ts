import { createInterface, type Interface } from "node:readline";
const lines: Interface = createInterface({ input: process.stdin });
let count = 0;
lines.on("line", (line: string): void => console.log(++count, line.toUpperCase()));
lines.on("close", () => console.log(`${count} lines`));
