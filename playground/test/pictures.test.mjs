import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureOf } from "../src/pictures.ts";

const bytes = (...parts) =>
  new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part)))));
const big = (n, size) => Array.from({ length: size }, (_, i) => (n >>> (8 * (size - 1 - i))) & 255);
const little = (n, size) => big(n, size).reverse();

const PICTURES = {
  png: [bytes("\x89PNG\r\n\x1a\n", big(13, 4), "IHDR", big(640, 4), big(480, 4)), "image/png"],
  gif: [bytes("GIF89a", little(640, 2), little(480, 2)), "image/gif"],
  jpg: [bytes(big(0xffd8, 2), big(0xffe0, 2), big(4, 2), "ab", big(0xffc2, 2), big(17, 2), [8], big(480, 2), big(640, 2)), "image/jpeg"],
  webp: [bytes("RIFF", little(0, 4), "WEBPVP8X", little(10, 4), little(0, 4), little(639, 3), little(479, 3)), "image/webp"],
  lossless: [bytes("RIFF", little(0, 4), "WEBPVP8L", little(10, 4), [0x2f], little(639 | (479 << 14), 4)), "image/webp"],
  lossy: [bytes("RIFF", little(0, 4), "WEBPVP8 ", little(10, 4), [0, 0, 0, 0x9d, 1, 0x2a], little(640, 2), little(480, 2)), "image/webp"],
};

for (const [name, [data, type]] of Object.entries(PICTURES)) {
  test(`${name}: its kind and its points are read from its head`, () => {
    assert.deepEqual(pictureOf("any.name", data), { type, points: 640 * 480 });
  });

  test(`${name}: cut anywhere it is no picture, and does no harm`, () => {
    for (let at = 0; at < data.length; at++) {
      const found = pictureOf("x", data.subarray(0, at));
      assert.ok(found === null || found.points >= 0, `cut at ${at}`);
    }
  });
}

test("a name makes no picture but for a drawing, which has no other sign", () => {
  assert.equal(pictureOf("plot.png", bytes("<script>")), null);
  assert.deepEqual(pictureOf("A.SVG", bytes("<svg>")), { type: "image/svg+xml", points: 0 });
});

test("a picture in the guise of a small one counts by what its head says", () => {
  const huge = bytes("\x89PNG\r\n\x1a\n", big(13, 4), "IHDR", big(60000, 4), big(60000, 4));
  assert.equal(pictureOf("tiny.png", huge).points, 3_600_000_000);
});

test("markers without an end take no time", () => {
  const data = bytes(big(0xffd8, 2), Array.from({ length: 800_000 }, (_, n) => [0xff, 0xe0, 0, 0][n % 4]));
  assert.equal(pictureOf("x", data), null);
});
