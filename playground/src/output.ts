// What a program writes, as it comes. All of it is hostile: it only ever becomes text, and
// a flood of it becomes no flood of elements.
import type { Place, PlaceFinder } from "./places";
import { type Piece, type Reading, TerminalReader } from "./terminal";
import type { Stream } from "./wire";

export type Source = Stream | "stdin";
export type View = "together" | Stream;

/** More changes between stdout and stderr than this are not shown side by side. */
const MOST_SEGMENTS = 1000;
/** After so many styled pieces the rest of a stream is shown without colours. */
const MOST_PIECES = 10_000;
/** A block of text that is laid out by itself, in characters. */
const BLOCK = 16 * 1024;
/** Characters put on the page in one frame. */
const FRAME = 256 * 1024;

/** So many characters before the end are looked at for places in files, and so many are linked. */
const LINKED = 256 * 1024;
const MOST_LINKS = 200;

const TAGS: Record<Source, string> = { stdout: "", stderr: "stderr", stdin: "you" };

interface Written {
  source: Source;
  text: string;
}

export class Output {
  private parts: Written[] = [];
  private whole: Record<Source, string[]> = { stdout: [], stderr: [], stdin: [] };
  private interleavingLost = false;
  private waiting: Written[] = [];
  private frame = 0;
  /** The page that text is being put on, which may take more than one frame. */
  private painting: Page | null = null;
  private finished = false;
  private following = true;
  private top = 0;
  private page: Page;
  private current: View = "together";
  private finder: PlaceFinder | null = null;

  /**
   * @param root Where it goes.
   * @param empty What is seen as long as there is nothing.
   * @param jump What choosing a place in a file does.
   */
  constructor(
    private readonly root: HTMLElement,
    private readonly empty: HTMLElement,
    private readonly jump: (place: Place) => void,
  ) {
    this.page = new Page(root);
    root.addEventListener("scroll", () => this.noticeScroll());
    new ResizeObserver(() => this.scrollToEnd()).observe(root);
  }

  clear(): void {
    this.parts = [];
    this.whole = { stdout: [], stderr: [], stdin: [] };
    this.interleavingLost = false;
    this.waiting = [];
    this.finished = false;
    this.following = true;
    this.top = 0;
    this.turnPage();
    this.root.ariaBusy = null;
    this.empty.hidden = false;
  }

  add(source: Source, text: string): void {
    if (!text) return;
    const chunks = this.whole[source];
    const last = chunks.at(-1);
    if (last !== undefined && last.length < 4096) chunks[chunks.length - 1] = last + text;
    else chunks.push(text);
    if (this.interleavingLost) {
      if (this.current === source) this.queue(source, text);
      return;
    }
    const part = this.parts.at(-1);
    if (part?.source === source) part.text += text;
    else if (this.parts.length < MOST_SEGMENTS) this.parts.push({ source, text });
    else {
      this.interleavingLost = true;
      this.schedule();
    }
    if (this.current === "together" ? !this.interleavingLost : this.current === source) {
      this.queue(source, text);
    }
  }

  /**
   * Nothing more comes: what was held back as the start of a sequence is shown, and the places
   * that tools name lead to the editor.
   */
  finish(finder: PlaceFinder | null): void {
    this.finished = true;
    this.finder = finder;
    this.schedule();
  }

  /** Shows stdout and stderr together, or one of them. */
  show(view: View): void {
    this.current = view;
    this.turnPage();
    this.waiting =
      view === "together"
        ? this.parts.map((part) => ({ ...part }))
        : this.whole[view].map((text) => ({ source: view, text }));
    this.following = false;
    this.top = 0;
    this.schedule();
  }

  private queue(source: Source, text: string): void {
    const last = this.waiting.at(-1);
    if (last?.source === source && last.text.length < FRAME) last.text += text;
    else this.waiting.push({ source, text });
    this.schedule();
  }

  /** Lets go of what reading has taken; what is shown stays. */
  close(): void {
    this.page.close();
  }

  private turnPage(): void {
    this.page.close();
    this.page = new Page(this.root);
    this.painting = null;
  }

  private schedule(): void {
    this.root.ariaBusy = "true";
    if (!this.frame && !this.painting) this.frame = requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    this.frame = 0;
    let budget = FRAME;
    let count = 0;
    for (const { text } of this.waiting) {
      if (budget <= 0) break;
      budget -= text.length;
      count++;
    }
    const { page } = this;
    const last = count === this.waiting.length && this.finished;
    const reading = page.add(this.waiting.splice(0, count), this.current === "together", last);
    if (!reading) return this.painted();
    this.painting = page;
    return void reading.then(() => {
      if (this.page !== page) return;
      this.painting = null;
      this.painted();
    });
  }

  private painted(): void {
    this.empty.hidden = this.page.length > 0;
    if (this.waiting.length || (this.finished && !this.page.isWhole)) this.schedule();
    else {
      if (this.current === "together" && this.interleavingLost) this.page.note();
      if (this.finished && this.finder) this.page.link(this.finder, this.jump);
      this.root.ariaBusy = null;
    }
    this.scrollToEnd();
  }

  /** The end stays in view until the user scrolls up, and again once they are back there. */
  private noticeScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    if (scrollHeight - scrollTop - clientHeight < 48) this.following = true;
    else if (scrollTop < this.top) this.following = false;
    this.top = scrollTop;
  }

  private scrollToEnd(): void {
    if (!this.following) return;
    this.root.scrollTop = this.root.scrollHeight;
    this.top = this.root.scrollTop;
  }
}

/** The elements of one view. */
class Page {
  length = 0;
  /** Whether nothing more comes, and all that was held back is there. */
  isWhole = false;
  private closed = false;
  private readers: Record<Source, TerminalReader> = {
    stdout: new TerminalReader(),
    stderr: new TerminalReader(),
    stdin: new TerminalReader(),
  };
  /** Whose text came last. */
  private read: Source | null = null;
  private body: HTMLElement | null = null;
  private block: HTMLElement | null = null;
  private blockLength = 0;
  /** Of the line that may still change. */
  private live: ChildNode[] = [];
  private pieces = 0;
  private noted = false;
  private linked = false;

  constructor(private readonly root: HTMLElement) {
    root.replaceChildren();
  }

  /**
   * Puts text on the page; at once, unless something in it takes longer to read.
   *
   * @param last Nothing more comes.
   */
  add(parts: Written[], tagged: boolean, last: boolean): Promise<void> | null {
    const mine = parts.map(({ source, text }) => {
      const fresh = source !== this.read;
      this.read = source;
      this.length += text.length;
      return { source, text, fresh, reading: null as Reading | null };
    });
    const waits: Promise<void>[] = [];
    const take = (readings: Reading[] | Promise<Reading[]>, own: typeof mine): void => {
      const keep = (found: Reading[]): void => found.forEach((reading, at) => (own[at]!.reading = reading));
      if (readings instanceof Promise) waits.push(readings.then(keep));
      else keep(readings);
    };
    for (const source of ["stdout", "stderr", "stdin"] as const) {
      const own = mine.filter((part) => part.source === source);
      if (own.length) take(this.readers[source].read(own), own);
    }
    if (last && this.read) {
      mine.push({ source: this.read, text: "", fresh: false, reading: null });
      take(this.readers[this.read].end(), mine.slice(-1));
    }
    const show = (): void => {
      if (this.closed) return;
      for (const { source, fresh, reading } of mine) {
        if (fresh) this.segment(source, tagged);
        if (reading) this.write(reading);
      }
      this.isWhole = last;
      if (last) this.release();
    };
    if (waits.length) return Promise.all(waits).then(show);
    show();
    return null;
  }

  /** Takes no more text; what is shown stays. */
  close(): void {
    this.closed = true;
    this.release();
  }

  private release(): void {
    for (const reader of Object.values(this.readers)) reader.close();
  }

  note(): void {
    if (this.noted) return;
    this.noted = true;
    const note = element("p", "note");
    note.textContent =
      "stdout and stderr change places too often to be shown side by side. " +
      "Each of them is complete under its own name above.";
    this.root.append(note);
  }

  /** Makes the places that tools name, the last ones first, into buttons. */
  link(finder: PlaceFinder, jump: (place: Place) => void): void {
    if (this.linked) return;
    this.linked = true;
    let left = LINKED;
    let links = 0;
    const blocks = [...this.root.querySelectorAll(".segment:not(.stdin) .block")];
    for (const block of blocks.reverse()) {
      const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      const nodes: Text[] = [];
      while (walker.nextNode()) nodes.push(walker.currentNode as Text);
      for (const node of nodes.reverse()) {
        left -= node.length;
        if (left < 0 || links >= MOST_LINKS) return;
        const pieces: (string | HTMLElement)[] = [];
        let plain = "";
        for (const line of node.data.split(/(?<=\n)/)) {
          let at = 0;
          for (const place of finder.find(line)) {
            if (links >= MOST_LINKS) break;
            links++;
            pieces.push(plain + line.slice(at, place.from), placeButton(line, place, jump));
            plain = "";
            at = place.to;
          }
          plain += line.slice(at);
        }
        if (pieces.length) node.replaceWith(...pieces, plain);
      }
    }
  }

  private segment(source: Source, tagged: boolean): void {
    const segment = element("div", `segment ${source}`);
    if (tagged && TAGS[source]) {
      segment.classList.add("tagged");
      const tag = element("span", "tag");
      tag.textContent = TAGS[source];
      segment.append(tag);
    }
    this.body = element("div", "body");
    segment.append(this.body);
    this.root.append(segment);
    this.block = null;
    this.live = [];
  }

  /** What has ended stays; the line that may still change is taken back when more of it comes. */
  private write({ ended, live }: Reading): void {
    for (const node of this.live) node.remove();
    for (const piece of ended) this.append(piece);
    const { block, blockLength, pieces } = this;
    const before = this.block?.lastChild ?? null;
    for (const piece of live) this.append(piece, true);
    this.blockLength = this.block === block ? blockLength : 0;
    this.pieces = pieces;
    this.live = [];
    for (let node = this.block?.lastChild ?? null; node && node !== before; node = node.previousSibling) {
      this.live.push(node);
    }
  }

  private append(piece: Piece, apart = false): void {
    if (!this.block || (this.blockLength > BLOCK && this.atLineStart())) {
      this.block?.classList.add("full");
      this.block = element("div", "block");
      this.blockLength = 0;
      this.body?.append(this.block);
    }
    this.blockLength += piece.text.length;
    this.pieces++;
    if ((piece.style || piece.ink) && this.pieces < MOST_PIECES) {
      const span = element("span", piece.style);
      span.textContent = piece.text;
      if (piece.ink) span.style.color = piece.ink;
      if (piece.ground) span.style.background = piece.ground;
      this.block.append(span);
    } else if (!apart && this.block.lastChild instanceof Text && this.block.lastChild.length < BLOCK) {
      this.block.lastChild.appendData(piece.text);
    } else {
      this.block.append(piece.text);
    }
  }

  private atLineStart(): boolean {
    return this.block?.lastChild?.textContent?.endsWith("\n") ?? true;
  }
}

function placeButton(line: string, place: Place, jump: (place: Place) => void): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "place";
  button.textContent = line.slice(place.from, place.to);
  button.title = "Show this line in the editor";
  button.addEventListener("click", () => jump(place));
  return button;
}

function element(name: string, className: string): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  return made;
}
