// The tabs above the editor, one for each file, and what can be done with the one that is seen.
import { type FileList, MOST_FILES, type SourceFile } from "./files";
import { the } from "./form";

export interface TabActions {
  show(file: SourceFile): void;
  add(name: string): void;
  rename(file: SourceFile, name: string): void;
  close(file: SourceFile): void;
  run(file: SourceFile): void;
}

const ENTRY = "M8 5.5v13l10.5-6.5z";
const SVG = "http://www.w3.org/2000/svg";

export class Tabs {
  private readonly row = the("tabs");
  private readonly dialog = the<HTMLDialogElement>("name-dialog");
  private readonly name = the<HTMLInputElement>("file-name");
  private readonly problem = the("name-problem");
  private naming: SourceFile | null = null;

  constructor(
    private readonly files: FileList,
    private readonly actions: TabActions,
  ) {
    this.row.addEventListener("keydown", (event) => this.press(event));
    the("add-file").addEventListener("click", () => this.ask(null));
    the("rename-file").addEventListener("click", () => this.ask(this.files.shown));
    the("close-file").addEventListener("click", () => this.close());
    the("make-entry").addEventListener("click", () => {
      actions.run(this.files.shown);
      this.focus();
    });
    the("name-cancel").addEventListener("click", () => this.dialog.close());
    the("name-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.answer();
    });
    this.name.addEventListener("input", () => this.complain(""));
  }

  draw(): void {
    const { list, shown, entry } = this.files;
    this.row.replaceChildren(...list.map((file) => this.tab(file)));
    this.row.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    const several = list.length > 1;
    the("close-file").hidden = !several;
    the("make-entry").hidden = !several || shown === entry;
    the("close-file").ariaLabel = `Close ${shown.name}`;
    the("rename-file").ariaLabel = `Rename ${shown.name}`;
    the("make-entry").ariaLabel = `Run this file: ${shown.name} rather than ${entry.name}`;
    the("add-file").hidden = list.length >= MOST_FILES;
    the("editor").setAttribute("aria-labelledby", `tab-${shown.id}`);
  }

  /** Gives the keyboard to the tab of the file that is seen. */
  focus(): void {
    this.row.querySelector<HTMLElement>("[aria-selected=true]")?.focus();
  }

  private tab(file: SourceFile): HTMLElement {
    const { list, shown, entry } = this.files;
    const tab = document.createElement("button");
    tab.type = "button";
    tab.role = "tab";
    tab.id = `tab-${file.id}`;
    tab.ariaSelected = String(file === shown);
    tab.setAttribute("aria-controls", "editor");
    tab.tabIndex = file === shown ? 0 : -1;
    tab.append(file.name);
    if (list.length > 1 && file === entry) {
      const mark = document.createElementNS(SVG, "svg");
      mark.setAttribute("viewBox", "0 0 24 24");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", "is run");
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", ENTRY);
      mark.append(path);
      tab.prepend(mark);
      tab.title = "This file is run";
    }
    tab.addEventListener("click", () => this.actions.show(file));
    tab.addEventListener("dblclick", () => this.ask(file));
    return tab;
  }

  private press(event: KeyboardEvent): void {
    const { list, shown } = this.files;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = list.indexOf(shown);
    const to: Record<string, number> = {
      ArrowLeft: (at - 1 + list.length) % list.length,
      ArrowRight: (at + 1) % list.length,
      Home: 0,
      End: list.length - 1,
    };
    const next = list[to[event.key] ?? -1];
    if (next) {
      this.actions.show(next);
      this.focus();
    } else if (event.key === "Delete") this.close();
    else if (event.key === "F2") this.ask(shown);
    else return;
    event.preventDefault();
  }

  private close(): void {
    if (this.files.list.length === 1) return;
    this.actions.close(this.files.shown);
    this.focus();
  }

  /** Asks for a name: of a file, or for a new one. */
  private ask(file: SourceFile | null): void {
    this.naming = file;
    the("name-title").textContent = file ? "Rename the file" : "Add a file";
    the("name-done").textContent = file ? "Rename" : "Add";
    this.name.value = file?.name ?? "";
    this.complain("");
    this.dialog.showModal();
    // What one types over is the name, rarely its suffix.
    this.name.setSelectionRange(file ? file.name.lastIndexOf("/") + 1 : 0, (file?.name ?? "").replace(/(?<=[^/])\.[^./]*$/, "").length);
  }

  private answer(): void {
    const name = this.name.value.trim();
    const problem = this.files.problem(name, this.naming);
    if (problem) {
      this.complain(problem);
      return;
    }
    const { naming } = this;
    this.dialog.close();
    if (naming) this.actions.rename(naming, name);
    else this.actions.add(name);
  }

  private complain(problem: string): void {
    this.problem.textContent = problem;
    this.name.ariaInvalid = problem ? "true" : null;
  }
}
