const line: string = "x".repeat(99) + "\n";
for (let i = 0; i < 20_000; i++) process.stdout.write(line);
