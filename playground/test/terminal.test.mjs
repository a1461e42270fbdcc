import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, dress, paletteColour, readable } from "../src/colours.ts";
import { TerminalReader, WITHOUT } from "../src/terminal.ts";

/** What a line and all before it look like once all chunks have come, as pieces. */
async function read(...chunks) {
  const reader = new TerminalReader();
  const ended = [];
  let live = [];
  for (const text of chunks) {
    const [reading] = await reader.read([{ text, fresh: false }]);
    ended.push(...reading.ended);
    live = reading.live;
  }
  const [last] = await reader.end();
  reader.close();
  const pieces = [...ended, ...last.ended, ...last.live];
  assert.ok(live !== undefined);
  const merged = [];
  for (const piece of pieces) {
    const before = merged.at(-1);
    if (before && before.style === piece.style && before.ink === piece.ink) before.text += piece.text;
    else merged.push({ ...piece });
  }
  return merged;
}
const text = async (...chunks) => (await read(...chunks)).map((piece) => piece.text).join("");

test("plain text is one piece, and needs no emulator", () => {
  const reader = new TerminalReader(() => assert.fail("it is loaded"));
  const readings = reader.read([{ text: "a <b>\n\tc", fresh: false }, { text: "d\r\n\x1b[0me", fresh: true }]);
  assert.deepEqual(readings, [
    { ended: [{ text: "a <b>\n", style: "" }], live: [{ text: "\tc", style: "" }] },
    { ended: [{ text: "d\n", style: "" }], live: [{ text: "e", style: "" }] },
  ]);
});

test("colours become styles, and end", async () => {
  assert.deepEqual(await read("\x1b[1;31mred\x1b[0m plain"), [
    { text: "red", style: "fg-red bold" },
    { text: " plain", style: "" },
  ]);
  assert.deepEqual(await read("\x1b[38;5;2mg\x1b[39mp"), [
    { text: "g", style: "fg-green" },
    { text: "p", style: "" },
  ]);
  assert.deepEqual(await read("\x1b[32ma\nb\x1b[m\nc\n"), [
    { text: "a", style: "fg-green" },
    { text: "\n", style: "" },
    { text: "b", style: "fg-green" },
    { text: "\nc\n", style: "" },
  ]);
});

test("256 and true colours are followed, in both of their forms", async () => {
  for (const code of ["38;5;196", "38:5:196", "38;2;255;0;0", "38:2::255:0:0"]) {
    const [piece] = await read(`\x1b[${code}mx\x1b[0m`);
    assert.equal(piece.style, "");
    assert.match(piece.ink, /^light-dark\(rgb\(\d+ 0 0\), rgb\(255 \d+ \d+\)\)$/, code);
  }
  const [piece] = await read("\x1b[48;2;10;20;30mx");
  assert.equal(piece.ground, "light-dark(rgb(10 20 30), rgb(10 20 30))");
});

test("no colour makes text unreadable, whatever is behind it", () => {
  const levels = [0, 64, 110, 128, 150, 200, 255];
  const colours = levels.flatMap((r) => levels.flatMap((g) => levels.map((b) => [r, g, b])));
  for (const ground of colours) {
    for (const ink of [[0, 0, 0], [255, 255, 255], ground, [128, 128, 128]]) {
      assert.ok(contrast(readable(ink, [ground]), ground) >= 4.5, `${ink} on ${ground}`);
    }
  }
  for (let index = 0; index < 256; index++) {
    const colour = paletteColour(index);
    assert.ok(colour.every((part) => part >= 0 && part <= 255));
    for (const inverse of [false, true]) {
      const dressed = dress(colour, null, inverse);
      assert.equal(dressed.ground !== undefined, inverse);
    }
  }
});

test("text is never hidden", async () => {
  for (const code of ["8", "30;40", "48;5;1", "7", "2"]) {
    assert.equal(await text(`\x1b[${code}mx`), "x");
  }
});

test("a line can be written anew, and no other one", async () => {
  assert.equal(await text("a\n 50%\r100%\r"), "a\n100%");
  assert.equal(await text("long text\rshort\x1b[K\nb"), "short\nb");
  assert.equal(await text("abc\b\bX\n"), "aXc\n");
  assert.equal(await text("a\x1b[3Cb\x1b[2GX"), "aX  b");
  assert.equal(await text("one\ntwo\x1b[Aup"), "one\ntwo␛[Aup");
  assert.equal(await text("\x1b[31mred\rRE\x1b[0m\n"), "REd\n");
  assert.equal(await text("日本\rx\n"), "x 本\n");
});

test("what is being written is seen before it ends", async () => {
  const reader = new TerminalReader();
  const seen = [];
  for (const chunk of ["one\n1%", "\r2%", "\r3%", "\ntwo"]) {
    const [{ ended, live }] = await reader.read([{ text: chunk, fresh: false }]);
    seen.push([ended, live].map((pieces) => pieces.map((piece) => piece.text).join("")));
  }
  reader.close();
  assert.deepEqual(seen, [["one\n", "1%"], ["", "2%"], ["", "3%"], ["3%\n", "two"]]);
});

test("text after another stream's begins a line, and keeps its colour", async () => {
  const reader = new TerminalReader();
  const readings = await reader.read([
    { text: "\x1b[31ma", fresh: true },
    { text: "b\rc\n", fresh: true },
  ]);
  reader.close();
  assert.deepEqual(readings, [
    { ended: [], live: [{ text: "a", style: "fg-red" }] },
    { ended: [{ text: "c", style: "fg-red" }, { text: "\n", style: "" }], live: [] },
  ]);
});

test("every other sequence is shown as signs", async () => {
  assert.equal(await text("\x1b[2J\x1b[H"), "␛[2J␛[H");
  assert.equal(await text("\x1b]0;title\x07x"), "␛]0;title␇x");
  assert.equal(await text("\x1b]8;;javascript:x\x1b\\x"), "␛]8;;javascript:x␛\\x");
  assert.equal(await text("a\0b\x7fc\x9bd"), "a␀b␡c<U+009B>d");
  const signs = await read("\x1b[31m\x1b]7700;end\x07\x1b[9999999S\x1b[0m\n");
  assert.deepEqual(signs[0], { text: "␛]7700;end␇␛[9999999S", style: "fg-red control" });
});

test("a sequence cut anywhere is the same sequence", async () => {
  const whole = "a\x1b[31mred\x1b[0mb\r\nc\x1b]0;t\x07d\rE\x1b[K";
  const expected = await read(whole);
  for (let at = 1; at < whole.length; at++) {
    assert.deepEqual(await read(whole.slice(0, at), whole.slice(at)), expected, `cut at ${at}`);
  }
});

test("an unfinished sequence at the end is shown", async () => {
  assert.equal(await text("a\x1b[3"), "a␛[3");
  assert.equal(await text("a\x1b"), "a␛");
});

test("marks that reorder or hide text are named", async () => {
  assert.equal(await text("a\u202eb\u200bc\u2066d"), "a<U+202E>b<U+200B>c<U+2066>d");
});

test("a line of any length is whole, colours, tabs and wide characters or not", async () => {
  const long = "x".repeat(50_000);
  assert.equal(await text(long), long);
  assert.equal(await text(`\x1b[31m${long}`), long);
  const wide = "日\u{1f600}".repeat(20_000);
  assert.equal(await text(`\x1b[31m${wide}`), wide);
  const jumps = await text(`\x1b[31m${"\x1b[499Cxy".repeat(500)}`);
  assert.equal(jumps.replaceAll(" ", ""), "xy".repeat(500));
  const tabs = await text(`\x1b[31m${`${"\t".repeat(63)}xy`.repeat(300)}`);
  assert.equal(tabs.replaceAll(" ", ""), "xy".repeat(300));
});

test("without the emulator text can be read all the same", async () => {
  const reader = new TerminalReader(async () => WITHOUT);
  const readings = await reader.read([{ text: "\x1b[31mred\x1b[0m <\x1b[2J>\na\rb", fresh: false }]);
  const read = readings.map(({ ended, live }) => [...ended, ...live].map((piece) => piece.text).join(""));
  assert.deepEqual(read, ["red <␛[2J>\nab"]);
});

test("a flood of sequences takes no quadratic time", async () => {
  const started = performance.now();
  const reader = new TerminalReader();
  for (let i = 0; i < 16; i++) {
    const chunk = "\x1b[31mx\x1b]".repeat(2000) + "\x1b[" + "1;".repeat(8000) + "\ry".repeat(8000);
    await reader.read([{ text: chunk, fresh: false }]);
  }
  reader.close();
  assert.ok(performance.now() - started < 120_000);
});
