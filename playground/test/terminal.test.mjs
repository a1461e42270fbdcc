import assert from "node:assert/strict";
import { test } from "node:test";
import { TerminalReader } from "../src/terminal.ts";

function read(...chunks) {
  const reader = new TerminalReader();
  const pieces = chunks.flatMap((chunk) => reader.push(chunk));
  return [...pieces, ...reader.end()];
}
const text = (...chunks) => read(...chunks).map((piece) => piece.text).join("");

test("plain text is one piece", () => {
  assert.deepEqual(read("a <b>\n\tc"), [{ text: "a <b>\n\tc", style: "" }]);
});

test("colours become styles, and end", () => {
  assert.deepEqual(read("\x1b[1;31mred\x1b[0m plain"), [
    { text: "red", style: "fg-red bold" },
    { text: " plain", style: "" },
  ]);
  assert.deepEqual(read("\x1b[38;5;2mg\x1b[39mp"), [
    { text: "g", style: "fg-green" },
    { text: "p", style: "" },
  ]);
});

test("colours that could hide text are swallowed, their numbers are no styles", () => {
  for (const code of ["8", "30;40", "48;5;1", "38;2;1;31;4", "48;2;4;4;4", "7"]) {
    const pieces = read(`\x1b[${code}mx`);
    assert.equal(pieces.map((piece) => piece.text).join(""), "x");
    assert.doesNotMatch(pieces[0].style, /underline|bold|fg-red/);
  }
});

test("every other sequence is shown as signs", () => {
  assert.equal(text("\x1b[2J\x1b[H"), "␛[2J␛[H");
  assert.equal(text("\x1b]0;title\x07x"), "␛]0;title␇x");
  assert.equal(text("\x1b]8;;javascript:x\x1b\\x"), "␛]8;;javascript:x␛\\x");
  assert.equal(text("a\0b\x7fc\x9bd"), "a␀b␡c<U+009B>d");
});

test("a sequence cut anywhere is the same sequence", () => {
  const whole = "a\x1b[31mred\x1b[0mb\r\nc\x1b]0;t\x07d";
  for (let at = 1; at < whole.length; at++) {
    const pieces = read(whole.slice(0, at), whole.slice(at));
    const merged = [];
    for (const piece of pieces) {
      if (merged.at(-1)?.style === piece.style) merged.at(-1).text += piece.text;
      else merged.push({ ...piece });
    }
    assert.deepEqual(merged, read(whole), `cut at ${at}`);
  }
});

test("an unfinished sequence at the end is shown", () => {
  assert.equal(text("a\x1b[3"), "a␛[3");
  assert.equal(text("a\x1b"), "a␛");
});

test("line ends of every kind", () => {
  assert.equal(text("a\r\nb"), "a\nb");
  assert.equal(text("50%\r100%\r"), "50%␍\n100%␍\n");
});

test("marks that reorder or hide text are named", () => {
  assert.equal(text("a\u202eb\u200bc\u2066d"), "a<U+202E>b<U+200B>c<U+2066>d");
});

test("a flood of sequences takes no quadratic time", () => {
  const started = performance.now();
  const reader = new TerminalReader();
  for (let i = 0; i < 64; i++) reader.push("\x1b[31mx\x1b]".repeat(2000) + "\x1b[" + "1;".repeat(8000));
  assert.ok(performance.now() - started < 5000);
});
