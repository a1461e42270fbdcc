// The terminal's library: it takes the sequences that concern a line, and says what the line looks
// like then. It has no screen of its own and touches nothing of the page.
import { type IBufferCell, Terminal } from "@xterm/headless/lib-headless/xterm-headless.mjs";
import { type Rgb, dress, paletteColour } from "./colours";
import { COLUMNS, END, type Emulator, LIVE, MARK, type Piece } from "./terminal";

/** More than the longest line takes, however its text moves about. */
const ROWS = 80;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

export class TerminalEmulator implements Emulator {
  private readonly terminal = new Terminal({
    allowProposedApi: true,
    cols: COLUMNS,
    rows: ROWS,
    scrollback: 0,
    logLevel: "off",
  });
  /** Where the line begins. */
  private start = this.terminal.registerMarker(0);
  private slots: Piece[][] = [];

  constructor() {
    this.terminal.parser.registerOscHandler(MARK, (mark) => {
      if (mark === "begin") {
        this.start?.dispose();
        this.start = this.terminal.registerMarker(0);
      } else this.slots.shift()?.push(...this.readLine());
      return true;
    });
  }

  write(data: string, slots: Piece[][]): Promise<void> {
    this.slots = slots;
    // The next line is a row of its own.
    const fed = data.replaceAll(END, `${LIVE}\r\n\x1b]${MARK};begin\x07`);
    return new Promise((done) => this.terminal.write(fed, done));
  }

  close(): void {
    this.terminal.dispose();
  }

  private readLine(): Piece[] {
    const { active } = this.terminal.buffer;
    const cell = active.getNullCell();
    const pieces: Piece[] = [];
    let look = "";
    for (let y = Math.max(this.start?.line ?? 0, 0); y <= active.baseY + active.cursorY; y++) {
      const row = active.getLine(y);
      let end = COLUMNS;
      while (end > 0 && !row?.getCell(end - 1, cell)?.getChars()) end--;
      for (let x = 0; x < end; x++) {
        if (!row?.getCell(x, cell) || !cell.getWidth()) continue;
        const text = cell.getChars() || " ";
        const same = lookOf(cell);
        const last = pieces.at(-1);
        if (last && same === look) last.text += text;
        else pieces.push({ text, ...dressOf(cell) });
        look = same;
      }
    }
    return pieces;
  }
}

function lookOf(cell: IBufferCell): string {
  const marks = [cell.isBold(), cell.isItalic(), cell.isUnderline(), cell.isStrikethrough()];
  const colours = [cell.getFgColorMode(), cell.getFgColor(), cell.getBgColorMode(), cell.getBgColor()];
  return [...marks, cell.isInverse(), cell.isOverline(), ...colours].join();
}

/** Classes and colours of a cell. What would make text unreadable or hide it is not followed. */
function dressOf(cell: IBufferCell): Omit<Piece, "text"> {
  const classes = Object.entries({
    bold: cell.isBold(),
    italic: cell.isItalic(),
    underline: cell.isUnderline(),
    strike: cell.isStrikethrough(),
    control: cell.isOverline(),
  }).flatMap(([name, is]) => (is ? [name] : []));
  const inverse = cell.isInverse() !== 0;
  // The sixteen colours that have a name are the page's own, which differ in light and dark.
  if (cell.isFgPalette() && cell.getFgColor() < 16 && cell.isBgDefault() && !inverse) {
    classes.unshift(`fg-${NAMES[cell.getFgColor() % 8]}`);
    return { style: classes.join(" ") };
  }
  const style = classes.join(" ");
  if (cell.isFgDefault() && cell.isBgDefault() && !inverse) return { style };
  const ink = colourOf(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor());
  const ground = colourOf(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor());
  return { style, ...dress(ink, ground, inverse) };
}

function colourOf(isDefault: boolean, isRgb: boolean, value: number): Rgb | null {
  if (isDefault) return null;
  return isRgb ? [value >> 16, (value >> 8) & 255, value & 255] : paletteColour(value);
}
