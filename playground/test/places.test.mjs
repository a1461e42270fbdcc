import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST_LINE, PlaceFinder } from "../src/places.ts";

const USUAL = ":([0-9]{1,7})(?::([0-9]{1,7}))?";
const PYTHON = '", line ([0-9]{1,7})';

function places(line, files, position = USUAL, anyName = "") {
  const finder = new PlaceFinder(files, position, "/sandbox", anyName);
  return finder.find(line).map((place) => [line.slice(place.from, place.to), files[place.file], place.line, place.column]);
}

test("what tools write leads to a line, and to a column where they name one", () => {
  const cases = [
    ['  File "/sandbox/main.py", line 12, in f', ["main.py"], PYTHON, ['main.py", line 12', "main.py", 12, 1]],
    ["./main.go:4:2: declared and not used: x", ["main.go"], USUAL, ["main.go:4:2", "main.go", 4, 2]],
    ["    at f (file:///sandbox/main.mjs:3:9)", ["main.mjs"], USUAL, ["main.mjs:3:9", "main.mjs", 3, 9]],
    ["Main.java:5: error: ';' expected", ["Main.java"], USUAL, ["Main.java:5", "Main.java", 5, 1]],
    ["  --> src/main.rs:2:5", ["src/main.rs"], USUAL, ["src/main.rs:2:5", "src/main.rs", 2, 5]],
    ["main.ts(3,5): error TS2322", ["main.ts"], "\\(([0-9]{1,7}),([0-9]{1,7})\\)|" + USUAL, ["main.ts(3,5)", "main.ts", 3, 5]],
  ];
  for (const [line, files, position, place] of cases) assert.deepEqual(places(line, files, position), [place], line);
});

test("the file is the one that the path names", () => {
  const files = ["main.go", "lib/main.go", "app/Tool.java"];
  assert.deepEqual(places("lib/main.go:7", files)[0]?.slice(1), ["lib/main.go", 7, 1]);
  assert.deepEqual(places("at app.Tool.run(Tool.java:9)", files)[0]?.slice(1), ["app/Tool.java", 9, 1]);
  assert.deepEqual(places("a main.go:1 b lib/main.go:2 c", files).length, 2);
});

test("files elsewhere and words that only end like one are none of ours", () => {
  for (const line of ["/usr/lib/main.go:3", "../main.go:3", "xmain.go:3", "main.go.old:3", "main.go", "other/main.go:3", "/x/sandbox/main.go:3"]) {
    assert.deepEqual(places(line, ["main.go"]), [], line);
  }
});

test("where the server names the file, its suffix is enough", () => {
  assert.deepEqual(places("World.java:3: error", ["Main.java"], USUAL, ".java"), [["World.java:3", "Main.java", 3, 1]]);
  assert.deepEqual(places("/usr/World.java:3", ["Main.java"], USUAL, ".java"), []);
});

test("hostile lines cost little", () => {
  const files = Array.from({ length: 50 }, (_, n) => `${"m".repeat(n + 1)}.go`);
  const started = performance.now();
  for (const part of ["m", ".go", "m.go:", "m.go:1:", "/sandbox/", "m.go:99999999999"]) {
    const line = part.repeat(Math.floor(LONGEST_LINE / part.length));
    for (let i = 0; i < 20; i++) places(line, files, USUAL, ".go");
  }
  assert.ok(performance.now() - started < 5000);
  assert.deepEqual(places(`main.go:1${" ".repeat(LONGEST_LINE)}`, ["main.go"]), []);
});
