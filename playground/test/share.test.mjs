import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { test } from "node:test";
import { fromFragment, toFragment } from "../src/share.ts";

const shared = {
  language: "go",
  entry: "app.go",
  files: { "lib/a.go": "package lib", "data.txt": "" },
  code: "package main // \u{1f980} é\n",
  stdin: "one\ntwo",
  interactive: true,
  args: '"a b" c',
  artifacts: "*.csv",
  packages: "one two",
  env: "A=1",
  environment: "data",
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
  const empty = {
    language: "", entry: "", code: "", files: {}, stdin: "", interactive: false, args: "",
    artifacts: "", packages: "", env: "", environment: "",
  };
  const wrong = '{"language": 7, "code": ["x"], "interactive": "yes", "files": ["y"], "env": {}}';
  assert.deepEqual(await fromFragment(pack(wrong)), empty);
  const mixed = await fromFragment(pack('{"files": {"a": 1, "b": "text", "c": {}}}'));
  assert.deepEqual(mixed, { ...empty, files: { b: "text" } });
});

test("a link brings no more files than a program has", async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, ""]));
  const found = await fromFragment(pack(JSON.stringify({ files: many })));
  assert.equal(Object.keys(found.files).length, 49);
});

test("one that unpacks to far more than a program is refused", async () => {
  await assert.rejects(fromFragment(pack(Buffer.alloc(64 << 20, 32))), RangeError);
});
