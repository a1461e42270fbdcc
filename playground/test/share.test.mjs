import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { test } from "node:test";
import { fromFragment, toFragment } from "../src/share.ts";

const shared = {
  language: "go",
  code: "package main // \u{1f980} é\n",
  stdin: "one\ntwo",
  interactive: true,
  args: '"a b" c',
  artifacts: "*.csv",
};

test("a program comes back as it was", async () => {
  const fragment = await toFragment(shared);
  assert.match(fragment, /^#1\.[\w-]+$/);
  assert.deepEqual(await fromFragment(fragment), shared);
});

test("a large program comes back too", async () => {
  const code = Array.from({ length: 20000 }, (_, n) => `line ${n}`).join("\n");
  assert.equal((await fromFragment(await toFragment({ ...shared, code }))).code, code);
});

test("another fragment is none", async () => {
  assert.equal(await fromFragment(""), null);
  assert.equal(await fromFragment("#output"), null);
});

const pack = (content) => `#1.${deflateRawSync(content).toString("base64url")}`;

test("a damaged one is refused", async () => {
  const whole = await toFragment(shared);
  for (const bad of ["#1.", "#1.!!!", whole.slice(0, -9), pack("[}"), pack("7"), pack("null")]) {
    await assert.rejects(fromFragment(bad), bad);
  }
});

test("fields of a wrong type become empty", async () => {
  const found = await fromFragment(pack('{"language": 7, "code": ["x"], "interactive": "yes"}'));
  assert.deepEqual(found, {
    language: "", code: "", stdin: "", interactive: false, args: "", artifacts: "",
  });
});

test("one that unpacks to far more than a program is refused", async () => {
  await assert.rejects(fromFragment(pack(Buffer.alloc(64 << 20, 32))), RangeError);
});
