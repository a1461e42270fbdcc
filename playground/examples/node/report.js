// Takes arguments and writes a file, which comes back.
const fs = require("node:fs");

const rows = process.argv.slice(2).map((argument) => argument.split("="));
const lines = [["fruit", "count"], ...rows].map((row) => row.join(",") + "\n");
fs.writeFileSync("report.csv", lines.join(""));

const total = rows.reduce((sum, [, count]) => sum + Number(count), 0);
console.log(`${rows.length} kinds of fruit, ${total} pieces; see report.csv`);
