// Reads a JSON file with top-level await and prints what is low on stock.
import { readFile } from "node:fs/promises";
import { lowOnStock } from "./stock.mjs";

const inventory = JSON.parse(await readFile("inventory.json", "utf8"));
for (const { name, count } of lowOnStock(inventory, 5)) {
  console.log(`${name.padEnd(8)} ${count}`);
}
