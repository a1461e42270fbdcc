// Which artifacts are pictures, and how large they unpack to: a file of a few kilobytes can be a
// picture of a billion points.

export interface Picture {
  type: string;
  /** Points; 0 where it has none of its own. */
  points: number;
}

const text = (data: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...data.subarray(from, to));

/** What picture these bytes are; null if they are none that the page shows. */
export function pictureOf(path: string, data: Uint8Array): Picture | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  try {
    if (text(data, 0, 8) === "\x89PNG\r\n\x1a\n") {
      return { type: "image/png", points: view.getUint32(16) * view.getUint32(20) };
    }
    if (/^GIF8[79]a/.test(text(data, 0, 6))) {
      return { type: "image/gif", points: view.getUint16(6, true) * view.getUint16(8, true) };
    }
    if (text(data, 0, 4) === "RIFF" && text(data, 8, 12) === "WEBP") {
      return { type: "image/webp", points: webpPoints(data, view) };
    }
    if (view.getUint16(0) === 0xffd8) {
      return { type: "image/jpeg", points: jpegPoints(view) };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null; // it ends before its own head does
  }
  return path.toLowerCase().endsWith(".svg") ? { type: "image/svg+xml", points: 0 } : null;
}

function webpPoints(data: Uint8Array, view: DataView): number {
  const three = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  switch (text(data, 12, 16)) {
    case "VP8X":
      return (three(24) + 1) * (three(27) + 1);
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1);
    }
    default:
      return (view.getUint16(26, true) & 0x3fff) * (view.getUint16(28, true) & 0x3fff);
  }
}

function jpegPoints(view: DataView): number {
  for (let at = 2; ; ) {
    const marker = view.getUint16(at);
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf;
    if (isFrame && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      return view.getUint16(at + 5) * view.getUint16(at + 7);
    }
    if (marker < 0xff00) throw new RangeError("no marker");
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
}
