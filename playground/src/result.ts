// The outcome of a run on the page: in words and in figures.
import { markWrong, the } from "./form";
import type { ExecutionResult, Problem } from "./wire";
import { title } from "./languages";
import { type Outcome, facts, phaseLine, problemSentences } from "./words";

const SIGNS = { good: "✓", bad: "✕", stopped: "■" };

let clearFiles = (): void => {};
let cleared = 0;

/** Shows the files that came back; what does so is fetched once there are some. */
export async function showFiles(artifacts: Record<string, string>): Promise<void> {
  if (!Object.keys(artifacts).length) return;
  const mine = cleared;
  const files = await import("./artifacts");
  if (mine !== cleared) return;
  clearFiles = files.clearFiles;
  files.showFiles(artifacts);
}

export function clearResult(): void {
  cleared++;
  the("outcome").replaceChildren();
  the("facts").replaceChildren();
  the("facts").hidden = true;
  clearFiles();
}

export function showOutcome(outcome: Outcome): void {
  const box = the("outcome");
  box.replaceChildren();
  const head = text("p", "title", outcome.title);
  const sign = text("span", "sign", SIGNS[outcome.tone]);
  sign.ariaHidden = "true";
  head.prepend(sign);
  box.append(head, ...outcome.details.map((detail) => text("p", "detail", detail)));
  box.className = outcome.tone;
}

export function showProblem(problem: Problem): void {
  const tone = problem.title === "Stopped by you" ? "stopped" : "bad";
  showOutcome({ tone, title: problem.title, details: problemSentences(problem) });
}

/** Shows why the server refused, at the field that it is about; asks for a key if one is needed. */
export function showRefusal(problem: Problem): void {
  const { field, status } = problem;
  // How a program sends a key is no help to who sees the field for it.
  showProblem(status === 401 ? { ...problem, hint: "" } : problem);
  if (field) markWrong(field);
  if (status !== 401) return;
  the("key-form").hidden = false;
  the("key").focus();
}

export function showFacts(result: ExecutionResult): void {
  const list = the("facts");
  for (const [label, value] of facts(result, title(result.language))) fact(list, label, value);
  if (result.phases.some((phase) => phase.name !== "run")) {
    fact(list, "Phases", result.phases.map(phaseLine).join(" · "));
  }
  if (result.weakened.length) {
    fact(list, "Given up on this server", result.weakened.join(", ")).className = "warning";
  }
  list.hidden = false;
}

function fact(list: HTMLElement, label: string, value: string): HTMLElement {
  const pair = document.createElement("div");
  pair.append(text("dt", "", label), text("dd", "", value));
  list.append(pair);
  return pair;
}

function text(name: string, className: string, content: string): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = content;
  return made;
}
