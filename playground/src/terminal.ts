// Text of a hostile program as pieces that are safe to look at: colours become styles, every
// other control character or sequence becomes a visible sign.

export interface Piece {
  text: string;
  /** Names of CSS classes, space-separated; empty for plain text. */
  style: string;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
/** A sequence cut in two by the end of a chunk waits for its rest, up to this length. */
const LONGEST_SEQUENCE = 256;

const CONTROL =
  // CSI; OSC up to BEL or ST; a lone ESC; other controls; marks that reorder or hide text.
  /\x1b\[([0-?]*)([ -/]*)([@-~])|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\r\n|[\0-\x08\x0b-\x1f\x7f-\x9f]|[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}\x1b?)?$|\r$/;

/** Reads one stream of output; keeps the style and an unfinished sequence between chunks. */
export class TerminalReader {
  private rest = "";
  private colour = "";
  private marks = new Set<string>();

  /** The pieces of a chunk, in order. */
  push(chunk: string): Piece[] {
    let text = this.rest + chunk;
    const cut = UNFINISHED.exec(text.slice(-LONGEST_SEQUENCE));
    this.rest = cut ? cut[0] : "";
    text = text.slice(0, text.length - this.rest.length);
    return this.read(text);
  }

  /** What was held back, once nothing more comes. */
  end(): Piece[] {
    const rest = this.rest;
    this.rest = "";
    return this.read(rest);
  }

  private read(text: string): Piece[] {
    const pieces: Piece[] = [];
    const add = (part: string, style: string): void => {
      const last = pieces.at(-1);
      if (last && last.style === style) last.text += part;
      else if (part) pieces.push({ text: part, style });
    };
    let from = 0;
    for (const match of text.matchAll(CONTROL)) {
      add(text.slice(from, match.index), this.style());
      from = match.index + match[0].length;
      if (match[0] === "\r\n") add("\n", this.style());
      else if (match[3] === "m" && !match[2]) this.select(match[1] ?? "");
      else add(visible(match[0]), "control");
    }
    add(text.slice(from), this.style());
    return pieces;
  }

  private style(): string {
    return [this.colour, ...this.marks].filter(Boolean).join(" ");
  }

  /** "Select graphic rendition": only what cannot make text unreadable is followed. */
  private select(parameters: string): void {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      if (code === 0) {
        this.colour = "";
        this.marks.clear();
      } else if (code === 1) this.marks.add("bold");
      else if (code === 3) this.marks.add("italic");
      else if (code === 4) this.marks.add("underline");
      else if (code === 22) this.marks.delete("bold");
      else if (code === 23) this.marks.delete("italic");
      else if (code === 24) this.marks.delete("underline");
      else if (code === 39) this.colour = "";
      else if (code >= 30 && code <= 37) this.colour = `fg-${COLOURS[code - 30]}`;
      else if (code >= 90 && code <= 97) this.colour = `fg-${COLOURS[code - 90]}`;
      else if (code === 38 || code === 48) {
        const palette = codes[i + 1] === 5;
        const index = codes[i + 2] ?? -1;
        if (code === 38) this.colour = palette && index < 16 ? `fg-${COLOURS[index % 8]}` : "";
        i += palette ? 2 : 4;
      }
    }
  }
}

/** A control sequence in signs that anybody can see. */
export function visible(sequence: string): string {
  let out = "";
  for (const character of sequence) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) out += String.fromCodePoint(0x2400 + code);
    else if (code === 0x7f) out += "\u2421";
    else if (code < 0x7f) out += character;
    else out += `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  }
  return sequence === "\r" ? `${out}\n` : out;
}
