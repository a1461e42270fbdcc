// Type into the line below the output while this runs.
import * as readline from "node:readline/promises";

async function main(): Promise<void> {
  const lines = readline.createInterface({ input: process.stdin, output: process.stdout });
  const name: string = await lines.question("What is your name? ");
  const count = Number(await lines.question(`How often shall I greet you, ${name}? `));
  lines.close();
  for (let n = 1; n <= Math.min(count, 10); n++) {
    console.log(`${n}. Hello, ${name}!`);
  }
}

main();
