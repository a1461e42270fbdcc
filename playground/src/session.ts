// The mode in which a sandbox is kept: what is in the editor runs as a cell, and so does what is
// typed below the cells. The session begins with the first of them, and ends with the page.
import { Cells } from "./cells";
import { unreachable } from "./connection";
import { the } from "./form";
import { title } from "./languages";
import type { Mode, Task } from "./modes";
import { begin, end, tell, tellStopping } from "./progress";
import { showRefusal } from "./result";
import { SessionClient } from "./session_client";
import { SessionFiles } from "./session_files";
import { button, element } from "./views";
import type { Problem } from "./wire";

const MOST_HISTORY = 200;

export class SessionMode implements Mode {
  private readonly files = new SessionFiles();
  private readonly state = element("p", "about");
  private readonly restart = button("Restart", "Restart: forget variables, keep files");
  private readonly close = button("Close", "Close the session: everything in it is gone");
  private readonly line = document.createElement("textarea");
  private readonly cells: Cells;
  private client: SessionClient | null = null;
  private busy = false;
  private stopped = false;
  private history: string[] = [];
  private at = 0;

  /** @param take What the page's fields ask for; null if they are wrong, which is said then. */
  constructor(private readonly take: () => Task | null) {
    const root = the("session");
    const empty = element("p", "about empty", "Run the program as often as you like: variables and files stay.");
    this.cells = new Cells(empty);
    this.state.role = "status";
    const head = element("div", "row head");
    head.append(this.state, this.restart, this.close);
    root.append(head, this.cells.element, this.files.element, this.console());
    this.restart.addEventListener("click", () => void this.begin());
    this.close.addEventListener("click", () => void this.leave());
    window.addEventListener("pagehide", () => void this.client?.close().catch(() => {}));
    this.describe();
  }

  get isBusy(): boolean {
    return this.busy;
  }

  start(task: Task): void {
    const { request } = task;
    const entry = request.files?.find((file) => file.path === request.entrypoint);
    void this.run(task, request.code ?? entry?.content ?? "");
  }

  stop(): void {
    if (!this.busy) return;
    this.stopped = true; // once more is no harm: the code may not have begun yet
    tellStopping();
    // Before there is a session, nothing runs that could be interrupted.
    void this.client?.interrupt().catch(() => {});
  }

  private async run(task: Task, code: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.stopped = false;
    const { request, places, key } = task;
    const cell = this.cells.add(code, places);
    begin(this.client ? "Running" : "Opening the session");
    try {
      this.client ??= await this.open(task, key);
      for (const { path, content } of request.files ?? []) await this.client.write(path, content);
      tell("Running");
      const { language, stdin, timeout } = request;
      if (request.args || request.packages || request.artifacts) {
        cell.note("Arguments, packages and files to bring back are for single runs: a session has none.");
      }
      const asked = {
        code,
        language,
        ...(stdin && { stdin }),
        ...(timeout && { timeout }),
      };
      if (this.stopped) throw { title: "Stopped by you", status: 0 } satisfies Problem;
      const result = await this.client.run(asked, (event) => cell.tell(event));
      cell.conclude(result, this.stopped);
    } catch (error) {
      await this.fail(cell, unreachable(error));
    } finally {
      this.busy = false;
      end();
      this.cells.trim();
      void this.files.refresh();
    }
  }

  private async open(task: Task, key: string): Promise<SessionClient> {
    const client = await SessionClient.open(task.request, key);
    this.files.show(client);
    this.describe(client);
    return client;
  }

  private async fail(cell: ReturnType<Cells["add"]>, problem: Problem): Promise<void> {
    cell.fail(problem);
    if (problem.status === 401 || problem.field) showRefusal(problem);
    // One that has ended makes way: the next run opens another.
    const gone = await this.client?.show().then(
      () => false,
      (error: unknown) => unreachable(error).status === 404,
    );
    if (!gone) return;
    this.forget();
    this.cells.say("The session has ended, and its state with it. The next run opens another.");
  }

  private async begin(): Promise<void> {
    try {
      await this.client?.restart();
      this.cells.say("Restarted: variables are gone, files are still there.");
    } catch (error) {
      showRefusal(unreachable(error));
    }
  }

  private async leave(): Promise<void> {
    const { client } = this;
    this.forget();
    this.cells.clear();
    try {
      await client?.close();
    } catch (error) {
      showRefusal(unreachable(error));
    }
  }

  private forget(): void {
    this.client = null;
    this.files.show(null);
    this.describe();
  }

  private describe(client = this.client): void {
    this.restart.hidden = this.close.hidden = client === null;
    if (!client) {
      this.state.textContent = "No session is open.";
      return;
    }
    const { language, version, isolation, environment, idle_timeout, weakened } = client.info;
    const minutes = Math.max(1, Math.round(idle_timeout / 60));
    const parts = [`${title(language)} ${version}`.trim(), isolation, environment];
    if (weakened.length) parts.push(`given up: ${weakened.join(", ")}`);
    this.state.textContent = `${parts.filter(Boolean).join(" · ")}. Closes after ${minutes} min without a run.`;
  }

  // --- the line below the cells ---

  private console(): HTMLFormElement {
    const form = document.createElement("form");
    form.id = "console";
    const label = element("label", "", "Code");
    label.setAttribute("for", "console-line");
    this.line.id = "console-line";
    this.line.rows = 1;
    this.line.spellcheck = false;
    this.line.autocapitalize = "off";
    this.line.placeholder = "a line of code";
    const send = button("Run line");
    send.type = "submit";
    form.append(label, this.line, send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.enter();
    });
    this.line.addEventListener("keydown", (event) => this.press(event));
    return form;
  }

  private press(event: KeyboardEvent): void {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { value, selectionStart } = this.line;
    if (event.key === "Enter" && !event.shiftKey) this.enter();
    else if (event.key === "ArrowUp" && !value.slice(0, selectionStart).includes("\n")) this.recall(-1);
    else if (event.key === "ArrowDown" && !value.slice(selectionStart).includes("\n")) this.recall(1);
    else return;
    event.preventDefault();
  }

  private enter(): void {
    const code = this.line.value;
    if (!code.trim() || this.busy) return;
    const task = this.take();
    if (!task) return;
    this.history = [...this.history, code].slice(-MOST_HISTORY);
    this.at = this.history.length;
    this.line.value = "";
    // The editor's files stay where they are.
    const { files: _, entrypoint: __, ...request } = task.request;
    void this.run({ ...task, request }, code);
  }

  private recall(step: number): void {
    const to = this.at + step;
    if (to < 0 || to > this.history.length) return;
    this.at = to;
    this.line.value = this.history[to] ?? "";
  }
}
