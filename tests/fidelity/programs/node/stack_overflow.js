// Pins down running out of stack: caught and survivable, also in JSON, flat and proxies; size limits.
let depth = 0;
const dive = () => { depth++; dive(); };
try {
  dive();
} catch (error) {
  console.log(error instanceof RangeError, error.message, depth > 5000);
}
const nested = [];
let inner = nested;
for (let i = 0; i < 20_000; i++) inner = inner[0] = [];
for (const attempt of [() => JSON.stringify(nested), () => nested.flat(Infinity), () => new Proxy({}, { get(t, k, r) { return r[k]; } }).x]) {
  try {
    attempt();
    console.log('worked');
  } catch (error) {
    console.log(error.name);
  }
}
for (const limit of [() => 'x'.repeat(2 ** 30), () => new Array(-1), () => (1).toFixed(101), () => 2n ** (2n ** 40n), () => new ArrayBuffer(2 ** 53)]) {
  try {
    console.log(limit());
  } catch (error) {
    console.log(error.name, error.message);
  }
}
Error.stackTraceLimit = 2;
dive();
