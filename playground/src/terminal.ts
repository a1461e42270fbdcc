// Text of a hostile program as pieces that are safe to look at. What a program may do to the line
// that it is writing (colours, carriage returns, erasing) a terminal's own library carries out, which
// is fetched once a program does so; every other control character or sequence becomes a visible
// sign, so that what has been written stays to be seen.

/** Text that looks the same throughout. */
export interface Piece {
  text: string;
  /** Names of CSS classes, space-separated; empty for plain text. */
  style: string;
  /** Colours of its own, as CSS has them. */
  ink?: string;
  ground?: string;
}

/** Text to read. `fresh`: it stands on a line of its own, whatever came before it. */
export interface Part {
  text: string;
  fresh: boolean;
}

/** What a part says: what stays as it is, and the line that may still change. */
export interface Reading {
  ended: Piece[];
  live: Piece[];
}

/** What carries out sequences; the marks in its input say when its line is to be read. */
export interface Emulator {
  /** Fills the slots, one for each mark, in their order. */
  write(data: string, slots: Piece[][]): Promise<void>;
  close(): void;
}

/** Marks: the line is read, and read as a whole before the next begins. No program can send them. */
export const LIVE = "\x1b]7700;live\x07";
export const END = "\x1b]7700;end\x07";
export const MARK = 7700;
/** Around signs: rendition that stands for them alone. */
export const SIGN = "\x1b[53m";
export const SIGN_END = "\x1b[55m";

/** Columns of the emulator, and what a line may hold before its beginning is out of reach. */
export const COLUMNS = 500;
const LONGEST_LINE = 4000;
/** A sequence cut in two by the end of a chunk waits for its rest, up to this length. */
const LONGEST_SEQUENCE = 256;

const CONTROL =
  // CSI; OSC up to BEL or ST; a lone ESC; line ends; other controls; marks that reorder or hide text.
  /\x1b\[([0-?]*)([ -/]*)([@-~])|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\r*\n|[\0-\x08\x0b-\x1f\x7f-\x9f]|[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}\x1b?)?$|\r+$/;
/** What only concerns the line that is being written: rendition, erasing in it, moving in it. */
const IN_LINE = /^\x1b\[(?:[\d;:]{0,200}m|[0-2]?K|\d{0,3}[CDG])$/;

/** Reads one stream of output; keeps what a sequence means for the text after it. */
export class TerminalReader {
  private rest = "";
  /** The line that is being written, as long as it needs no emulator. */
  private line: Piece[] = [];
  private length = 0;
  /** Whether the line is in the emulator. */
  private emulated = false;
  /** Whether text may have a rendition of its own. */
  private styled = false;
  private data = "";
  private slots: Piece[][] = [];
  private emulator: Promise<Emulator> | null = null;

  /** @param load Makes an emulator. */
  constructor(private readonly load: () => Promise<Emulator> = loadEmulator) {}

  /** Reads parts, each of which comes after the one before it; at once if none needs the emulator. */
  read(parts: Part[]): Reading[] | Promise<Reading[]> {
    const found = parts.map((part) => this.take(part));
    const pending = found.map(({ ended, live }) => () => ({ ended: merge(ended), live: merge([live]) }));
    const done = (): Reading[] => pending.map((make) => make());
    if (!this.data) return done();
    const { data, slots } = this;
    this.data = "";
    this.slots = [];
    this.emulator ??= this.load();
    return this.emulator.then((emulator) => emulator.write(data, slots)).then(done);
  }

  /** What was held back, once nothing more comes. */
  end(): Reading[] | Promise<Reading[]> {
    const { rest } = this;
    this.rest = "";
    if (rest && !/^\r+$/.test(rest)) this.sign(visible(rest));
    return this.read([{ text: "", fresh: false }]);
  }

  /** Lets go of the emulator. */
  close(): void {
    void this.emulator?.then((emulator) => emulator.close());
    this.emulator = null;
  }

  private take({ text: chunk, fresh }: Part): { ended: Piece[][]; live: Piece[] } {
    const ended: Piece[][] = [];
    if (fresh) this.finishLine();
    let text = this.rest + chunk;
    const cut = UNFINISHED.exec(text.slice(-LONGEST_SEQUENCE));
    this.rest = cut ? cut[0] : "";
    text = text.slice(0, text.length - this.rest.length);
    let from = 0;
    for (const match of text.matchAll(CONTROL)) {
      this.plain(text.slice(from, match.index), ended);
      from = match.index + match[0].length;
      if (match[0].endsWith("\n")) ended.push(this.finishLine(), [{ text: "\n", style: "" }]);
      else if (match[0] === "\r" || match[0] === "\b" || IN_LINE.test(match[0])) this.obey(match[0]);
      else this.sign(visible(match[0]));
      if (this.length > LONGEST_LINE) ended.push(this.finishLine());
    }
    this.plain(text.slice(from), ended);
    if (!this.emulated) return { ended, live: [...this.line] };
    return { ended, live: this.mark(LIVE) };
  }

  private plain(text: string, ended: Piece[][]): void {
    while (text) {
      if (this.styled) this.emulate();
      let size = Math.max(LONGEST_LINE - this.length, 1);
      // A character of two units stays whole.
      if (/[\ud800-\udbff]/.test(text[size - 1] ?? "")) size++;
      this.write(text.slice(0, size), "");
      text = text.slice(size);
      if (this.length >= LONGEST_LINE) ended.push(this.finishLine());
    }
  }

  private sign(text: string): void {
    if (this.styled) this.emulate();
    this.write(text, "control");
  }

  private write(text: string, style: string): void {
    this.length += text.length;
    if (this.emulated) this.data += style ? `${SIGN}${text}${SIGN_END}` : text;
    else this.line.push({ text, style });
  }

  private obey(sequence: string): void {
    const kind = sequence.at(-1);
    if (kind === "m") {
      const resets = /^\x1b\[0*m$/.test(sequence);
      if (resets && !this.styled && !this.emulated) return;
      this.styled = !resets;
    } else if (!this.length) return; // there is nothing yet that it could change
    this.emulate();
    this.data += sequence;
    this.length += kind === "C" || kind === "G" ? COLUMNS : sequence.length;
  }

  private emulate(): void {
    if (this.emulated) return;
    this.emulated = true;
    for (const { text, style } of this.line) this.data += style ? `${SIGN}${text}${SIGN_END}` : text;
    this.line = [];
  }

  /** Ends the line; what it says is in the list once the emulator has done its part. */
  private finishLine(): Piece[] {
    const found = this.emulated ? this.mark(END) : this.line;
    this.line = [];
    this.length = 0;
    this.emulated = false;
    return found;
  }

  private mark(mark: string): Piece[] {
    const slot: Piece[] = [];
    this.data += mark;
    this.slots.push(slot);
    return slot;
  }
}

/** Adjacent pieces that look the same, as one. */
function merge(lists: Piece[][]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of lists.flat()) {
    const last = merged.at(-1);
    if (last && last.style === piece.style && last.ink === piece.ink && last.ground === piece.ground) {
      last.text += piece.text;
    } else merged.push({ ...piece });
  }
  return merged;
}

async function loadEmulator(): Promise<Emulator> {
  try {
    return new (await import("./emulator")).TerminalEmulator();
  } catch {
    return WITHOUT; // the server has gone, say: what has come can be read all the same
  }
}

/** Reads lines as they were written, without what would change them. */
export const WITHOUT: Emulator = {
  async write(data, slots) {
    let line = "";
    let at = 0;
    for (const part of data.split(/(\x1b\]7700;\w+\x07)/)) {
      if (part !== LIVE && part !== END) {
        line += part.replace(/\x1b\[[\d;:]*[A-Za-z]|[\b\r]/g, "");
        continue;
      }
      slots[at++]?.push({ text: line, style: "" });
      if (part === END) line = "";
    }
  },
  close() {},
};

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
  return out;
}
