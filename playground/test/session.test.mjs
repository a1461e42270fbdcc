import assert from "node:assert/strict";
import { test } from "node:test";
import { messages } from "../src/connection.ts";
import { encodePath } from "../src/session_client.ts";
import { sessionOutcome } from "../src/words.ts";

async function read(chunks) {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  const found = [];
  for await (const message of messages(body)) found.push(message);
  return found;
}

test("a message is the same wherever it is cut", async () => {
  for (const end of ["\n", "\r\n"]) {
    const whole = ["event: a", "data: 1", "", ": still there", "", "data: 2", "data: 3", "", ""].join(end);
    for (let at = 1; at < whole.length; at++) {
      assert.deepEqual(await read([whole.slice(0, at), whole.slice(at)]), ["1", "2\n3"], `cut at ${at}`);
    }
    assert.deepEqual(await read([...whole]), ["1", "2\n3"]);
  }
});

test("a message of many pieces takes no quadratic time", async () => {
  const started = performance.now();
  const piece = "x".repeat(4096);
  const [message] = await read(["data: ", ...Array(4096).fill(piece), "\n\n"]);
  assert.equal(message.length, 4096 * 4096);
  assert.ok(performance.now() - started < 120_000);
});

test("a path of a session names its file and nothing else", () => {
  assert.equal(encodePath("a b/c?d#e%.txt"), "a%20b/c%3Fd%23e%25.txt");
  assert.equal(encodePath("\udcff\udc80é"), "%FF%80%C3%A9");
  assert.equal(encodePath("\u{1f600}\ud800"), "%F0%9F%98%80%EF%BF%BD");
});

test("what became of code", () => {
  const result = { status: "success", truncated: {}, error: null, problem: null, restarted: false };
  assert.equal(sessionOutcome(result, false), null);
  assert.equal(sessionOutcome({ ...result, status: "interrupted" }, true).title, "Stopped by you");
  const lost = sessionOutcome({ ...result, status: "timeout", restarted: true }, false);
  assert.deepEqual([lost.tone, lost.details.length], ["bad", 1]);
  const raised = { ...result, status: "failed", error: { name: "KeyError" } };
  assert.equal(sessionOutcome(raised, false), null, "its traceback says it");
});
