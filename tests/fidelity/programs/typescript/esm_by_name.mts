import { basename } from "node:path";
import process from "node:process";
const answer: number = await Promise.resolve(42);
console.log(answer, typeof require, typeof module, basename("a/b"), process.argv.length);
export {};
