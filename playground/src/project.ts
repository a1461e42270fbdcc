// The program on the page: its files, their texts in the editor, and the tabs that lead to them.
import { Editor } from "./editor";
import { FileList, MOST_FILES, type SourceFile } from "./files";
import { the } from "./form";
import { DIRECTORY, entryName, languageOfFile, styleOf } from "./languages";
import { type Place, PlaceFinder } from "./places";
import type { Shared } from "./share";
import { Tabs } from "./tabs";
import type { ExecutionRequest } from "./wire";

export type Sources = Pick<Shared, "entry" | "code" | "files">;

export class Project {
  private readonly files: FileList;
  private readonly editor: Editor;
  private readonly tabs: Tabs;
  private language = "";

  /** @param actions What Ctrl-Enter does, and what follows a change of the program. */
  constructor(private readonly actions: { run(): void; changed(): void }) {
    this.files = new FileList("");
    this.editor = new Editor(the("editor"), { ...actions, go: (step) => this.go(step) });
    this.editor.write(this.files.shown.id, "");
    this.tabs = new Tabs(this.files, {
      show: (file) => this.show(file),
      add: (name) => {
        this.show(this.add(name, ""));
        this.editor.focus();
        this.actions.changed();
      },
      rename: (file, name) => {
        file.name = name;
        this.colour(file);
        this.tabs.draw();
        this.tabs.focus();
        this.actions.changed();
      },
      close: (file) => {
        this.files.remove(file);
        this.editor.forget(file.id);
        this.show(this.files.shown);
        this.actions.changed();
      },
      run: (file) => {
        this.files.entry = file;
        for (const each of this.files.list) this.colour(each);
        this.tabs.draw();
        this.actions.changed();
      },
    });
    this.show(this.files.shown);
  }

  /** The text of the file that is run. */
  get code(): string {
    return this.editor.read(this.files.entry.id);
  }

  /** Whether there is one file, under its usual name. */
  get isPlain(): boolean {
    return this.files.list.length === 1 && this.files.entry.name === entryName(this.language);
  }

  /** How many files there are. */
  get size(): number {
    return this.files.list.length;
  }

  /** Takes it for a program of a language; the usual name of its entry changes along. */
  speak(language: string): void {
    const { entry } = this.files;
    const name = entryName(language);
    const isUsual = !entry.name || entry.name === entryName(this.language);
    if (isUsual && !this.files.named(name)) entry.name = name;
    this.language = language;
    for (const file of this.files.list) this.colour(file);
    this.tabs.draw();
  }

  /** Has these files, the first one seen; undoing brings the entry's old text back. */
  open({ entry, code, files }: Sources): void {
    const kept = this.files.entry;
    for (const file of [...this.files.list]) {
      if (file === kept) continue;
      this.files.remove(file);
      this.editor.forget(file.id);
    }
    this.files.entry = kept;
    kept.name = entry || entryName(this.language);
    this.editor.write(kept.id, code);
    this.colour(kept);
    // A link is hostile: what is no name for a file is left out.
    for (const [name, text] of Object.entries(files)) {
      if (this.files.list.length < MOST_FILES && !this.files.problem(name, null)) this.add(name, text);
    }
    this.show(kept);
  }

  sources(): Sources {
    const { entry, list } = this.files;
    const others = list.filter((file) => file !== entry);
    return {
      entry: entry.name === entryName(this.language) ? "" : entry.name,
      code: this.code,
      files: Object.fromEntries(others.map((file) => [file.name, this.editor.read(file.id)])),
    };
  }

  /** The program as parts of a request: where it is one file, the server chooses its name. */
  request(): Pick<ExecutionRequest, "code" | "files" | "entrypoint"> {
    if (this.isPlain) return { code: this.code };
    const { entry, list } = this.files;
    return {
      files: list.map((file) => ({ path: file.name, content: this.editor.read(file.id) })),
      entrypoint: entry.name,
    };
  }

  /** Finds the places that the language's tools name in the files as they are now. */
  places(): { finder: PlaceFinder | null; jump: (place: Place) => void } {
    const style = styleOf(this.language);
    const list = [...this.files.list];
    const anyName = this.isPlain ? (style?.suffixes[0] ?? "") : "";
    const names = list.map((file) => file.name);
    return {
      finder: style ? new PlaceFinder(names, style.position, DIRECTORY, anyName) : null,
      jump: ({ file, line, column }) => {
        const found = list[file];
        if (!found || !this.files.list.includes(found)) return;
        this.show(found);
        this.editor.jump(line, column);
      },
    };
  }

  private add(name: string, text: string): SourceFile {
    const file = this.files.add(name);
    this.editor.write(file.id, text);
    this.colour(file);
    return file;
  }

  private show(file: SourceFile): void {
    this.files.shown = file;
    this.editor.show(file.id);
    this.tabs.draw();
  }

  private go(step: number): void {
    const { list, shown } = this.files;
    const next = list[(list.indexOf(shown) + step + list.length) % list.length];
    if (next) this.show(next);
  }

  private colour(file: SourceFile): void {
    const own = languageOfFile(file.name);
    const style = own ?? (file === this.files.entry ? styleOf(this.language) : undefined);
    void this.editor.speak(file.id, style);
  }
}
