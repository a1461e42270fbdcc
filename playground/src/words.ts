// Outcomes and figures in words.
import type { ExecutionResult, Phase, Preparation, Problem, SessionResult } from "./wire";

export type Tone = "good" | "bad" | "stopped";

export interface Outcome {
  tone: Tone;
  title: string;
  /** Further sentences: why, and what to do about it. */
  details: string[];
}

/** What became of a program. `stopped`: the user ended it. */
export function outcome(result: ExecutionResult, stopped: boolean): Outcome {
  const why = result.error ? [result.error.message, result.error.hint].filter(Boolean) : [];
  const cut = truncation(result);
  if (stopped && result.status !== "success" && result.status !== "failed") {
    return { tone: "stopped", title: "Stopped by you", details: cut };
  }
  const bad = (title: string): Outcome => ({ tone: "bad", title, details: [...why, ...cut] });
  switch (result.status) {
    case "success":
      return { tone: "good", title: "Finished with exit code 0", details: cut };
    case "failed":
      return { tone: "bad", title: `Ended with exit code ${result.exit_code}`, details: cut };
    case "signaled":
      return bad(`Ended by the signal ${result.signal ?? "of an unknown name"}`);
    case "compile_error":
      return { tone: "bad", title: "Did not compile", details: [...why.slice(1), ...cut] };
    case "install_error":
      return bad("A package could not be installed");
    case "timeout":
      return bad("Ended at its time limit");
    case "memory_limit":
      return bad("Ended at its memory limit");
    case "output_limit":
      return bad("Ended at its output limit");
    case "sandbox_error":
      return bad("The sandbox failed; this is not the program's doing");
    default:
      return bad(`Ended: ${result.status}`);
  }
}

/** What became of code in a session; null where nothing is to be said but what it shows. */
export function sessionOutcome(result: SessionResult, stopped: boolean): Outcome | null {
  const { problem } = result;
  const details = problem ? [problem.message, problem.hint].filter(Boolean) : [];
  if (result.restarted) details.push("The state of the language is lost: only ending it helped.");
  details.push(...truncation(result));
  const bad = (title: string): Outcome => ({ tone: "bad", title, details });
  switch (result.status) {
    case "success":
      return details.length ? { tone: "stopped", title: "Finished", details } : null;
    case "failed":
      if (result.error) return details.length ? bad(`Raised ${result.error.name}`) : null;
      return bad(`Ended with exit code ${result.exit_code}`);
    case "interrupted":
      return { tone: "stopped", title: stopped ? "Stopped by you" : "Interrupted", details };
    case "compile_error":
      return bad("Did not compile");
    case "timeout":
      return bad("Ended at its time limit");
    case "memory_limit":
      return bad("Ended at the memory limit");
    case "output_limit":
      return bad("Ended at its output limit");
    case "sandbox_error":
      return bad("The sandbox failed; this is not the code's doing");
    default:
      return bad(`Ended: ${result.status}`);
  }
}

function truncation(result: Pick<ExecutionResult, "truncated">): string[] {
  const cut = (["stdout", "stderr"] as const).filter((stream) => result.truncated[stream]);
  return cut.length ? [`The output limit cut ${cut.join(" and ")}.`] : [];
}

/** A failure of the request, in sentences. */
export function problemSentences(problem: Problem): string[] {
  return [problem.detail, problem.hint].filter((text): text is string => Boolean(text));
}

export function seconds(value: number): string {
  if (value < 0.0095) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  return `${value.toFixed(value < 9.995 ? 2 : 1)} s`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / 1024 ** 2).toFixed(1)} MiB`;
}

/** A limit as one would write it. */
export function size(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value} ${units[unit]}`;
}

/** Label and value of each figure that was measured. */
export function facts(result: ExecutionResult, languageName: string): [string, string][] {
  const { cpu_time, memory_peak } = result.usage;
  const list: [string, string][] = [];
  const ran = result.phases.some((phase) => phase.name === "run");
  if (ran) list.push(["Time", seconds(result.execution_time)]);
  if (cpu_time !== null) list.push(["CPU time", seconds(cpu_time)]);
  if (memory_peak !== null) list.push(["Peak memory", bytes(memory_peak)]);
  list.push(["Isolation", result.isolation]);
  list.push(["Language", `${languageName} ${result.version}`.trim()]);
  return list;
}

/** What is being made, and how far it is. */
export function preparationLine({ label, done, total }: Preparation): string {
  return total === null ? label : `${label}: ${done ?? 0} of ${total}`;
}

/** One line for each phase: its name, how it went, how long it took. */
export function phaseLine(phase: Phase): string {
  const state = phase.status === "success" ? "done" : phase.status.replace("_", " ");
  return `${phase.name}: ${state}, ${seconds(phase.execution_time)}`;
}
