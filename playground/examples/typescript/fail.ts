// What goes to stderr is marked; the exit code is told as it is.
enum ExitCode {
  Odd = 3,
}

console.log("This line goes to stdout.");
console.error("\x1b[1;33mWarning:\x1b[0m this goes to stderr.");
console.log("And this one to stdout again.");
process.exitCode = ExitCode.Odd;
