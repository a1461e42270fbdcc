import assert from "node:assert/strict";
import { test } from "node:test";
import { splitArguments } from "../src/arguments.ts";
import { readVariables } from "../src/variables.ts";
import { bytes, outcome, seconds, size } from "../src/words.ts";

test("variables are a line each", () => {
  assert.deepEqual(readVariables(""), {});
  assert.deepEqual(readVariables("A=1\r\n\n B = x=y \n"), { A: "1", B: " x=y " });
  assert.match(readVariables("A"), /“A” is no variable/);
  assert.match(readVariables("=1"), /is no variable/);
  assert.match(readVariables("A=1\nA=2"), /twice/);
});

test("arguments are split as a shell would", () => {
  assert.deepEqual(splitArguments(""), []);
  assert.deepEqual(splitArguments("  a  b "), ["a", "b"]);
  assert.deepEqual(splitArguments(`"a b" 'c "d"' e\\ f "" x"y"z`), ["a b", 'c "d"', "e f", "", "xyz"]);
  assert.deepEqual(splitArguments(`'a\\b' "c\\"d"`), ["a\\b", 'c"d']);
  assert.match(splitArguments('"a'), /not closed/);
  assert.match(splitArguments("a\\"), /backslash/);
});

const result = (fields) => ({
  status: "success",
  exit_code: 0,
  signal: null,
  error: null,
  truncated: { stdout: false, stderr: false },
  ...fields,
});

test("outcomes in words", () => {
  assert.deepEqual(outcome(result({}), false).title, "Finished with exit code 0");
  const failed = outcome(result({ status: "failed", exit_code: 3 }), false);
  assert.deepEqual([failed.tone, failed.title], ["bad", "Ended with exit code 3"]);
  const signaled = outcome(result({ status: "signaled", signal: "SIGSEGV" }), false);
  assert.match(signaled.title, /SIGSEGV/);
  const limit = outcome(
    result({
      status: "output_limit",
      error: { type: "output_limit", message: "Too much.", hint: "Print less." },
      truncated: { stdout: true, stderr: false },
    }),
    false,
  );
  assert.deepEqual(limit.details, ["Too much.", "Print less.", "The output limit cut stdout."]);
});

test("who stops a program reads that it was stopped, unless it was faster", () => {
  assert.equal(outcome(result({ status: "signaled", signal: "SIGKILL" }), true).tone, "stopped");
  assert.equal(outcome(result({}), true).tone, "good");
});

test("figures", () => {
  assert.equal(seconds(0.0042), "4.2 ms");
  assert.equal(seconds(0.0421), "42 ms");
  assert.equal(seconds(1.234), "1.23 s");
  assert.equal(bytes(1536), "1.5 KiB");
  assert.deepEqual([1000, 1 << 20, 1536, 4 * 2 ** 30].map(size), ["1000 B", "1 MiB", "1536 B", "4 GiB"]);
  assert.equal(bytes(64 * 1024 * 1024), "64.0 MiB");
});
