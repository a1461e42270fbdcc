// The cells of a session: what was run, and what came of it. What they keep is bounded, each by
// itself and all together; the oldest go first.
import { Output } from "./output";
import type { Task } from "./modes";

import { Views, element, fromBase64 } from "./views";
import type { Display, Problem, SessionEvent, SessionResult } from "./wire";
import { type Outcome, problemSentences, sessionOutcome } from "./words";

const MOST_CELLS = 100;
/** Characters that one cell shows, and that all of them do. */
const MOST_TEXT = 2 * 1024 * 1024;
const MOST_TEXT_TOGETHER = 8 * 1024 * 1024;
/** Things that one cell shows beside text, and points and bytes of those of all cells. */
const MOST_DISPLAYS = 50;
const MOST_POINTS_TOGETHER = 200_000_000;
const MOST_BYTES_TOGETHER = 128 * 1024 * 1024;
/** Errors of code that asks for lines which it was not given, and what this page offers then. */
const NO_INPUT = ["StdinNotImplementedError", "EOFError"];
const INPUT_HINT = "Write the lines that the code asks for under “Standard input” of “Input”, then run it again.";
/** Lines and characters of the code that stand above what came of it. */
const MOST_LINES = 12;
const MOST_CODE = 2000;

const PICTURES: Record<string, string> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
};

export class Cells {
  readonly element = element("div", "");
  private list: Cell[] = [];
  private readonly root = element("div", "");
  /** Whether the end stays in view: until the user scrolls up, and again once they are back there. */
  private following = true;
  private top = 0;

  /** @param empty What is seen as long as there are none. */
  constructor(private readonly empty: HTMLElement) {
    const box = this.element;
    box.id = "cells";
    box.tabIndex = 0;
    box.role = "region";
    box.ariaLabel = "Cells";
    box.append(empty, this.root);
    box.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = box;
      if (scrollHeight - scrollTop - clientHeight < 48) this.following = true;
      else if (scrollTop < this.top) this.following = false;
      this.top = scrollTop;
    });
    const sizes = new ResizeObserver(() => this.follow());
    sizes.observe(this.root);
    sizes.observe(box);
  }

  private follow(): void {
    if (!this.following) return;
    this.element.scrollTop = this.element.scrollHeight;
    this.top = this.element.scrollTop;
  }

  add(code: string, places: Task["places"]): Cell {
    const cell = new Cell(code, places);
    this.list.push(cell);
    this.root.append(cell.element);
    this.empty.hidden = true;
    this.trim();
    this.following = true;
    this.follow();
    return cell;
  }

  /** A sentence between cells. */
  say(text: string): void {
    const last = this.list.at(-1);
    if (last) last.element.after(element("p", "note", text));
  }

  clear(): void {
    for (const cell of this.list) cell.release();
    this.list = [];
    this.root.replaceChildren();
    this.empty.hidden = false;
  }

  /** Lets the oldest go until the others are within bounds. */
  trim(): void {
    const sum = (of: (cell: Cell) => number): number => this.list.reduce((all, cell) => all + of(cell), 0);
    while (
      this.list.length > MOST_CELLS ||
      (this.list.length > 1 &&
        (sum((cell) => cell.length) > MOST_TEXT_TOGETHER ||
          sum((cell) => cell.views.points) > MOST_POINTS_TOGETHER ||
          sum((cell) => cell.views.size) > MOST_BYTES_TOGETHER))
    ) {
      const oldest = this.list.shift();
      while (oldest?.element.nextElementSibling?.classList.contains("note")) {
        oldest.element.nextElementSibling.remove();
      }
      oldest?.element.remove();
      oldest?.release();
    }
  }
}

export class Cell {
  readonly element = element("article", "cell");
  readonly views = new Views();
  /** Characters that it shows. */
  length = 0;
  private readonly label = element("p", "label", "[ ]");
  private readonly body = element("div", "");
  private readonly end = element("div", "end");
  private output: Output | null = null;
  private outputs: Output[] = [];
  private displays = 0;
  private full = false;

  constructor(
    code: string,
    private readonly places: Task["places"],
  ) {
    this.element.ariaLabel = "Cell that runs";
    this.element.append(this.label, codeOf(code), this.body, this.end);
  }

  tell(event: SessionEvent): void {
    if (event.type === "stdout" || event.type === "stderr") this.write(event.type, event.data);
    else if (event.type === "input") this.write("stdout", event.data);
    else if (event.type === "display") this.display(event.display);
    else if (event.type === "error" && event.error) {
      const { coloured, traceback, name, value } = event.error;
      this.write("stderr", `${coloured || traceback || `${name}: ${value}`}\n`);
      if (NO_INPUT.includes(name)) this.note(INPUT_HINT);
    }
  }

  conclude(result: SessionResult, stopped: boolean): void {
    this.label.textContent = `[${result.execution_count}]`;
    this.element.ariaLabel = `Cell ${result.execution_count}`;
    this.finish(sessionOutcome(result, stopped));
  }

  fail(problem: Problem): void {
    this.element.ariaLabel = "Cell that failed";
    const tone = problem.title === "Stopped by you" ? "stopped" : "bad";
    this.finish({ tone, title: problem.title, details: problemSentences(problem) });
  }

  note(text: string): void {
    this.body.append(element("p", "note", text));
    this.output = null;
  }

  release(): void {
    for (const output of this.outputs) output.close();
    this.views.release();
  }

  private write(source: "stdout" | "stderr", text: string): void {
    const room = MOST_TEXT - this.length;
    if (this.full || !text) return;
    if (text.length > room) {
      this.put(source, text.slice(0, room));
      this.full = true;
      this.note("More output than a cell shows: the rest is left out.");
    } else this.put(source, text);
  }

  private put(source: "stdout" | "stderr", text: string): void {
    this.length += text.length;
    if (!this.output) {
      const root = element("div", "output");
      this.body.append(root);
      this.output = new Output(root, element("p", ""), (place) => this.places.jump(place));
      this.outputs.push(this.output);
    }
    this.output.add(source, text);
  }

  private display({ data }: Display): void {
    if (++this.displays > MOST_DISPLAYS) {
      if (this.displays === MOST_DISPLAYS + 1) this.note(`More than ${MOST_DISPLAYS} things to show: the rest is left out.`);
      return;
    }
    const shown = this.figureOf(data);
    if (!shown) return this.write("stdout", `${data["text/plain"] ?? data["text/markdown"] ?? Object.keys(data).join(", ")}\n`);
    this.body.append(shown);
    this.output = null;
    return undefined;
  }

  private figureOf(data: Record<string, string>): HTMLElement | null {
    const name = `shown-${this.displays}`;
    for (const [type, suffix] of Object.entries(PICTURES)) {
      const found = data[type];
      if (found === undefined) continue;
      try {
        return this.views.file(`${name}.${suffix}`, fromBase64(found));
      } catch {
        return null; // it is no base64: the text of it is shown
      }
    }
    const drawing = data["image/svg+xml"];
    if (drawing !== undefined) return this.views.file(`${name}.svg`, new TextEncoder().encode(drawing));
    const page = data["text/html"];
    return page === undefined ? null : this.views.page(`${name}.html`, PAGE_STYLE + page);
  }

  private finish(outcome: Outcome | null): void {
    for (const output of this.outputs) output.finish(this.places.finder);
    if (!outcome) return;
    this.end.className = `end ${outcome.tone}`;
    this.end.append(
      element("p", "title", outcome.title),
      ...outcome.details.map((detail) => element("p", "detail", detail)),
    );
  }
}

/** How a table looks that says nothing of it itself. */
const PAGE_STYLE =
  "<style>body{margin:8px;font:13px/1.5 system-ui,sans-serif}table{border-collapse:collapse}" +
  "td,th{padding:3px 9px;border:1px solid #ddd;text-align:right}</style>";

function codeOf(code: string): HTMLElement {
  const lines = code.slice(0, MOST_CODE).trimEnd().split("\n");
  const cut = lines.length > MOST_LINES || code.length > MOST_CODE;
  const box = element("pre", "code", lines.slice(0, MOST_LINES).join("\n"));
  if (cut) box.append(element("span", "control", "\n…"));
  return box;
}

