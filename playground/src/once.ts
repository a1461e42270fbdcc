// The mode in which every program runs once, in a sandbox of its own.
import { type Execution, execute } from "./connection";
import { the } from "./form";
import type { Mode, Task } from "./modes";
import { tellWay } from "./notice";
import { Output, type View } from "./output";
import type { Place } from "./places";
import { stopWatching, watchPreparations } from "./preparing";
import { begin, end, tell, tellStopping } from "./progress";
import { showFacts, showFiles, showOutcome, showRefusal } from "./result";
import type { ExecutionResult, ServerEvent } from "./wire";
import { outcome } from "./words";

const PHASES: Record<string, string> = { install: "Installing", compile: "Compiling" };

const typing = the<HTMLFormElement>("typing");
const line = the<HTMLInputElement>("line");

export class Once implements Mode {
  private readonly output = new Output(the("output"), the("empty"), (place) => this.jump(place));
  private task: Task | null = null;
  private running: Execution | null = null;
  private stopped = false;

  constructor() {
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=view]")) {
      radio.addEventListener("change", () => this.output.show(radio.value as View));
      if (radio.checked && radio.value !== "together") this.output.show(radio.value as View);
    }
    typing.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(`${line.value}\n`);
      line.focus();
    });
    the("end-input").addEventListener("click", () => this.endInput());
    line.addEventListener("keydown", (event) => {
      if (event.key !== "d" || !event.ctrlKey) return;
      event.preventDefault();
      this.endInput();
    });
  }

  get isBusy(): boolean {
    return this.running !== null;
  }

  start(task: Task): void {
    const { request, wantsInput, key } = task;
    this.task = task;
    this.stopped = false;
    this.output.clear();
    const asked = request.stdin ?? "";
    if (asked) this.output.add("stdin", asked.endsWith("\n") ? asked : `${asked}\n`);
    begin("Starting");
    watchPreparations(request.language);
    this.running = execute(request, wantsInput, key, {
      opened: (way) => {
        typing.hidden = !(wantsInput && way === "socket");
        tellWay(way);
        if (way === "whole") tell("Running");
      },
      event: (event) => this.follow(event),
      problem: (problem) => {
        this.finish();
        showRefusal(problem);
      },
    });
  }

  stop(): void {
    if (!this.running || this.stopped) return;
    this.stopped = true;
    tellStopping();
    this.running.stop();
  }

  private follow(event: ServerEvent): void {
    stopWatching();
    if (event.type === "stdout" || event.type === "stderr") this.output.add(event.type, event.data);
    else if (event.type === "phase" && !event.outcome && !this.stopped) {
      tell(PHASES[event.phase] ?? "Running");
    } else if (event.type === "result") this.conclude(event.result);
  }

  private conclude(result: ExecutionResult): void {
    this.finish();
    showOutcome(outcome(result, this.stopped));
    showFacts(result);
    void showFiles(result.artifacts);
  }

  private finish(): void {
    this.running = null;
    this.output.finish(this.task?.places.finder ?? null);
    this.closeInput();
    stopWatching();
    end();
  }

  private send(text: string): void {
    this.output.add("stdin", text);
    this.running?.input(text);
    line.value = "";
  }

  private endInput(): void {
    if (line.value) this.send(line.value);
    this.running?.endInput();
    this.closeInput();
  }

  private closeInput(): void {
    const typed = typing.contains(document.activeElement);
    typing.hidden = true;
    if (typed) the("output").focus();
  }

  private jump(place: Place): void {
    this.task?.places.jump(place);
  }
}
