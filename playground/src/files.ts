// The files of a program: their names, which of them is seen, and which is run.

export interface SourceFile {
  /** Stays the same when it is renamed. */
  readonly id: number;
  name: string;
}

/** More files than this are no program for a page. */
export const MOST_FILES = 50;
const MOST_NAME = 200;

let made = 0;

export class FileList {
  list: SourceFile[] = [];
  shown: SourceFile;
  entry: SourceFile;

  constructor(name: string) {
    this.shown = this.entry = this.add(name);
  }

  add(name: string): SourceFile {
    const file = { id: ++made, name };
    this.list.push(file);
    return file;
  }

  /** Takes a file away; its neighbour is seen then. The last one stays. */
  remove(file: SourceFile): void {
    const at = this.list.indexOf(file);
    if (at < 0 || this.list.length === 1) return;
    this.list.splice(at, 1);
    const neighbour = this.list[Math.min(at, this.list.length - 1)] ?? this.shown;
    if (this.shown === file) this.shown = neighbour;
    if (this.entry === file) this.entry = this.list[0] ?? neighbour;
  }

  named(name: string): SourceFile | undefined {
    return this.list.find((file) => file.name === name);
  }

  /** What is wrong with a name for a file, or "". The server has the last word on it. */
  problem(name: string, own: SourceFile | null): string {
    if (!name) return "Give it a name.";
    if (name.length > MOST_NAME) return `A name has at most ${MOST_NAME} characters.`;
    if (name.startsWith("/")) return "A name is relative: it begins with no slash.";
    if (name.endsWith("/")) return "This is the name of a folder.";
    if (name.split("/").some((part) => part === ".." || part === "." || !part)) {
      return "A name has no empty part, no “.” and no “..”.";
    }
    const other = this.named(name);
    if (other && other !== own) return `There is a file ${name} already.`;
    const folder = this.list.find(
      (file) =>
        file !== own && (file.name.startsWith(`${name}/`) || name.startsWith(`${file.name}/`)),
    );
    return folder ? `${folder.name} is in the way: a file and a folder cannot share a name.` : "";
  }
}
