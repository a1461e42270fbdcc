import assert from "node:assert/strict";
import { test } from "node:test";
import { FileList } from "../src/files.ts";

test("names that no file can have are refused with the reason", () => {
  const files = new FileList("main.py");
  const lib = files.add("lib/tool.py");
  const wrong = {
    "": /name/, "/etc/passwd": /relative/, "a/../b": /“\.\.”/, "./a": /“\.”/, "a//b": /empty part/, "a/": /folder/,
    "main.py": /already/, lib: /in the way/, "main.py/x": /in the way/, ["x".repeat(201)]: /at most 200/,
  };
  for (const [name, why] of Object.entries(wrong)) assert.match(files.problem(name, null), why, name);
  for (const name of ["other.py", "lib/main.py", ".env", "with blank.txt"]) assert.equal(files.problem(name, null), "");
  assert.equal(files.problem("lib/tool.py", lib), "", "its own name is no other's");
});

test("closing a file shows its neighbour, and runs another where it was the entry", () => {
  const files = new FileList("a");
  const [b, c] = [files.add("b"), files.add("c")];
  files.shown = files.entry = b;
  files.remove(b);
  assert.deepEqual([files.shown.name, files.entry.name], ["c", "a"]);
  files.remove(c);
  assert.equal(files.shown.name, "a");
  files.remove(files.shown);
  assert.equal(files.list.length, 1, "the last one stays");
});
