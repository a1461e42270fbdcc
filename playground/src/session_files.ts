// The files of a session: listed, uploaded, downloaded, removed. Their names are hostile.
import { type SessionClient, MOST_FILE } from "./session_client";
import { unreachable } from "./connection";
import { visible } from "./terminal";
import { button, element } from "./views";
import type { FileInfo } from "./wire";
import { bytes, problemSentences } from "./words";

const MOST_LISTED = 300;
const MOST_NAME = 120;
const CONTROL = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]/gu;

export class SessionFiles {
  readonly element = document.createElement("details");
  private readonly where = element("span", "where");
  private readonly list = element("ul", "");
  private readonly said = element("p", "detail");
  private readonly upload = document.createElement("input");
  private client: SessionClient | null = null;
  private folder = "";
  private asked = 0;

  constructor() {
    this.element.id = "session-files";
    const head = element("summary", "", "Files");
    this.said.role = "status";
    this.upload.type = "file";
    this.upload.multiple = true;
    this.upload.hidden = true;
    this.upload.ariaLabel = "Files to upload";
    const choose = button("Upload", "Upload files to this folder");
    choose.addEventListener("click", () => this.upload.click());
    this.upload.addEventListener("change", () => void this.send([...(this.upload.files ?? [])]));
    const bar = element("div", "row");
    bar.append(this.where, choose, this.upload);
    const box = element("div", "files");
    box.append(bar, this.said, this.list);
    this.element.append(head, box);
    this.element.addEventListener("toggle", () => void this.refresh());
    this.show(null);
  }

  /** Shows the files of a session; null: there is none. */
  show(client: SessionClient | null): void {
    this.client = client;
    this.folder = "";
    this.element.hidden = client === null;
    this.list.replaceChildren();
    this.said.textContent = "";
    if (client) void this.refresh();
  }

  /** Lists the folder anew, if anybody sees it. */
  async refresh(): Promise<void> {
    const { client } = this;
    if (!client || !this.element.open) return;
    const mine = ++this.asked;
    await this.attempt(async () => {
      const found = await client.list(this.folder || ".");
      if (mine === this.asked && client === this.client) this.draw(found);
    });
  }

  private draw(found: FileInfo[]): void {
    this.where.textContent = readable(`/${this.folder}`);
    const entries = [...found].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
    const rows = entries.slice(0, MOST_LISTED).map((info) => this.row(info));
    if (this.folder) {
      const up = button("..", "The folder above");
      up.addEventListener("click", () => this.enter(this.folder.split("/").slice(0, -1).join("/")));
      const row = element("li", "");
      row.append(up);
      rows.unshift(row);
    }
    if (entries.length > MOST_LISTED) rows.push(element("li", "", `${entries.length - MOST_LISTED} more`));
    if (!rows.length) rows.push(element("li", "size", "No files yet."));
    this.list.replaceChildren(...rows);
  }

  private row(info: FileInfo): HTMLElement {
    const row = element("li", "");
    const name = readable(info.name);
    const path = this.folder ? `${this.folder}/${info.name}` : info.name;
    const remove = button("×", `Remove ${name}`);
    remove.addEventListener("click", () => void this.attempt(async () => {
      await this.client?.remove(path);
      await this.refresh();
    }));
    if (info.type === "directory") {
      const open = button(`${name}/`, `Open the folder ${name}`);
      open.addEventListener("click", () => this.enter(path));
      row.append(open, remove);
    } else if (info.type === "file" && info.size <= MOST_FILE) {
      const save = button(name, `Download ${name}`);
      save.addEventListener("click", () => void this.attempt(() => this.save(path, info.name)));
      row.append(save, element("span", "size", bytes(info.size)), remove);
    } else row.append(element("span", "", name), element("span", "size", info.type), remove);
    return row;
  }

  private enter(folder: string): void {
    this.folder = folder;
    void this.refresh();
  }

  private async save(path: string, name: string): Promise<void> {
    const content = await this.client?.read(path);
    if (!content) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = readable(name);
    link.click();
    // The browser has taken hold of it by then.
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  private async send(files: File[]): Promise<void> {
    for (const file of files) {
      const path = this.folder ? `${this.folder}/${file.name}` : file.name;
      this.said.textContent = `Uploading ${readable(file.name)}`;
      if (!(await this.attempt(async () => this.client?.write(path, file)))) break;
    }
    this.upload.value = "";
    await this.refresh();
  }

  /** Does something, and says what went wrong. */
  private async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      this.said.textContent = "";
      return true;
    } catch (error) {
      const problem = unreachable(error);
      this.said.textContent = [`${problem.title}.`, ...problemSentences(problem)].join(" ");
      return false;
    }
  }
}

function rank(info: FileInfo): number {
  return info.type === "directory" ? 0 : 1;
}

/** A name in signs that anybody can see, and not too many. */
function readable(name: string): string {
  const shown = name.replace(CONTROL, (sign) => visible(sign));
  return shown.length > MOST_NAME ? `${shown.slice(0, MOST_NAME)}…` : shown;
}
