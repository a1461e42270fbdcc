// Pins down that the variables of the case reach the program and its children unchanged.
const { execFileSync } = require('child_process');

for (const name of ['EMPTY', 'SPACES', 'UNICODE', 'LINES', 'EQUALS', 'lower_name', 'ABSENT']) {
  console.log(name, JSON.stringify(process.env[name]), name in process.env);
}
process.env.NUMBER = 12.5;
process.env.UNDEFINED = undefined;
delete process.env.EMPTY;
console.log(typeof process.env.NUMBER, Object.hasOwn(process.env, 'EMPTY'));
console.log(String(execFileSync('sh', ['-c', 'printf "[%s]" "$SPACES" "$LINES" "$UNICODE" "${EMPTY-unset}" "$NUMBER" "$UNDEFINED"'])));
