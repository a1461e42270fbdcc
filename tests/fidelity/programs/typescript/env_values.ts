const { GREETING = "none", MISSING = "missing" }: NodeJS.ProcessEnv = process.env;
console.log(GREETING, MISSING, process.env["EMPTY"] === "");
