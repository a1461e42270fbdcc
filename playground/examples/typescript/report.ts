// Takes arguments and writes a file, which comes back.
import { writeFileSync } from "node:fs";

type Row = { fruit: string; count: number };

const rows: Row[] = process.argv.slice(2).map((argument) => {
  const [fruit, count] = argument.split("=");
  return { fruit, count: Number(count) };
});
const lines = rows.map(({ fruit, count }) => `${fruit},${count}\n`);
writeFileSync("report.csv", ["fruit,count\n", ...lines].join(""));

const total = rows.reduce((sum, row) => sum + row.count, 0);
console.log(`${rows.length} kinds of fruit, ${total} pieces; see report.csv`);
