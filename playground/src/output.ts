// What a program writes, as it comes. All of it is hostile: it only ever becomes text, and
// a flood of it becomes no flood of elements.
import type { Place, PlaceFinder } from "./places";
import { TerminalReader, type Piece } from "./terminal";
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

interface Part {
  source: Source;
  text: string;
}

export class Output {
  private parts: Part[] = [];
  private whole: Record<Source, string[]> = { stdout: [], stderr: [], stdin: [] };
  private interleavingLost = false;
  private waiting: Part[] = [];
  private frame = 0;
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
    this.page = new Page(this.root);
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
    this.page = new Page(this.root);
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

  private schedule(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    this.frame = 0;
    let budget = FRAME;
    let done = 0;
    for (const part of this.waiting) {
      if (budget <= 0) break;
      this.page.add(part.source, part.text, this.current === "together");
      budget -= part.text.length;
      done++;
    }
    this.waiting.splice(0, done);
    this.empty.hidden = this.page.length > 0;
    if (this.waiting.length) this.schedule();
    else {
      if (this.finished) this.page.finish();
      if (this.current === "together" && this.interleavingLost) this.page.note();
      if (this.finished && this.finder) this.page.link(this.finder, this.jump);
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
  private readers: Record<Source, TerminalReader> = {
    stdout: new TerminalReader(),
    stderr: new TerminalReader(),
    stdin: new TerminalReader(),
  };
  private source: Source | null = null;
  private body: HTMLElement | null = null;
  private block: HTMLElement | null = null;
  private blockLength = 0;
  private pieces = 0;
  private noted = false;
  private linked = false;

  constructor(private readonly root: HTMLElement) {
    root.replaceChildren();
  }

  add(source: Source, text: string, tagged: boolean): void {
    if (source !== this.source) this.segment(source, tagged);
    for (const piece of this.readers[source].push(text)) this.write(piece);
    this.length += text.length;
  }

  finish(): void {
    if (this.source) for (const piece of this.readers[this.source].end()) this.write(piece);
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
    this.source = source;
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
  }

  private write(piece: Piece): void {
    if (!this.block || (this.blockLength > BLOCK && this.atLineStart())) {
      this.block?.classList.add("full");
      this.block = element("div", "block");
      this.blockLength = 0;
      this.body?.append(this.block);
    }
    this.blockLength += piece.text.length;
    this.pieces++;
    if (piece.style && this.pieces < MOST_PIECES) {
      const span = element("span", piece.style);
      span.textContent = piece.text;
      this.block.append(span);
    } else if (this.block.lastChild instanceof Text && this.block.lastChild.length < BLOCK) {
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
