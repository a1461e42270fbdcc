// Places in files that tools name in what they write: main.py", line 3 or main.go:3:5. What they
// write is hostile: only names of files that are there are looked for, in lines of a bounded
// length, and what follows a name is matched at that one place.

export interface Place {
  /** Where its text begins and ends in the line. */
  from: number;
  to: number;
  /** Which of the files. */
  file: number;
  line: number;
  column: number;
}

/** Longer lines are no tool's message. */
export const LONGEST_LINE = 2000;
const LONGEST_NAME = 200;

export class PlaceFinder {
  private readonly position: RegExp;
  private readonly names: { name: string; file: number }[];

  /**
   * @param files Names of the files.
   * @param position What follows a name, as a regular expression; its groups that take part are
   *   the line and the column.
   * @param directory The folder that the files are in.
   * @param anyName Suffix of the only file where the server chooses its name; "" otherwise.
   */
  constructor(
    files: string[],
    position: string,
    private readonly directory: string,
    private readonly anyName = "",
  ) {
    this.position = new RegExp(position, "y");
    this.names = files.map((name, file) => ({ name, file }));
    // Some tools leave folders out; a name that several files have is nobody's.
    for (const [file, path] of files.entries()) {
      const name = path.split("/").at(-1) ?? "";
      const same = files.filter((other) => other.split("/").at(-1) === name);
      if (name !== path && same.length === 1) this.names.push({ name, file });
    }
    // The longest first: main.py is also the end of lib/main.py.
    this.names.sort((a, b) => b.name.length - a.name.length);
  }

  /** The places that a line names, in their order. */
  find(line: string): Place[] {
    if (line.length > LONGEST_LINE) return [];
    const found: Place[] = [];
    const take = (from: number, end: number, file: number): void => {
      if (found.some((place) => from < place.to && end > place.from)) return;
      this.position.lastIndex = end;
      const match = this.position.exec(line);
      const [at, column] = match?.slice(1).filter((group) => group !== undefined) ?? [];
      if (!match || at === undefined) return;
      found.push({
        from,
        to: end + match[0].length,
        file,
        line: Number(at),
        column: Number(column ?? 1),
      });
    };
    for (const { name, file } of this.names) {
      for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1)) {
        if (this.begins(line, at)) take(at, at + name.length, file);
      }
    }
    if (this.anyName) {
      const suffix = this.anyName;
      for (let at = line.indexOf(suffix); at >= 0; at = line.indexOf(suffix, at + 1)) {
        let from = at;
        while (from > 0 && at - from < LONGEST_NAME && /[\w$]/.test(line[from - 1] ?? "")) from--;
        if (from < at && this.begins(line, from)) take(from, at + suffix.length, 0);
      }
    }
    return found.sort((a, b) => a.from - b.from);
  }

  /** Whether a name can begin here: not in the middle of another, nor in another folder. */
  private begins(line: string, at: number): boolean {
    const isPart = (index: number): boolean => index >= 0 && /[\w$./-]/.test(line[index] ?? "");
    if (!isPart(at - 1)) return true;
    for (const folder of ["./", `${this.directory}/`]) {
      const start = at - folder.length;
      if (start < 0 || !line.startsWith(folder, start)) continue;
      if (!isPart(start - 1) || line.slice(0, start).endsWith("file://")) return true;
    }
    return false;
  }
}
