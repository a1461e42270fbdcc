// The fields beside the editor, as parts of a request.
import { splitArguments } from "./arguments";
import { readVariables } from "./variables";
import type { ExecutionRequest, Limits } from "./wire";

/** The element of an id; the page's own markup has each. */
export function the<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Whether the result stands below the program rather than beside it. */
export function isNarrow(): boolean {
  return matchMedia("(max-width: 820px)").matches;
}

const field = (id: string): HTMLInputElement => the<HTMLInputElement>(id);
const value = (id: string): string => field(id).value.trim();

export const LIMITS = ["timeout", "memory", "cpus", "pids", "disk", "output-limit", "isolation"];
export const INPUTS = ["stdin", "args", "env", "packages", "artifacts"];

/** What a user has to mend: a sentence, and the field it is about. */
export class FieldError extends Error {
  constructor(
    readonly id: string,
    message: string,
  ) {
    super(message);
  }
}

/** All of a request but its language and files. Throws FieldError. */
export function readFields(): Omit<ExecutionRequest, "language"> {
  const args = splitArguments(field("args").value);
  if (typeof args === "string") throw new FieldError("args", args);
  const env = readVariables(field("env").value);
  if (typeof env === "string") throw new FieldError("env", env);
  const limits: Limits = {};
  if (value("memory")) limits.memory = value("memory");
  if (value("cpus")) limits.cpus = number("cpus", "CPUs");
  if (value("pids")) limits.pids = number("pids", "Processes");
  if (value("disk")) limits.disk = value("disk");
  if (value("output-limit")) limits.output = value("output-limit");
  const timeout = value("timeout").replace(/\s*s$/, "");
  const artifacts = value("artifacts").split(/\s+/).filter(Boolean);
  const packages = value("packages").split(/[\s,]+/).filter(Boolean);
  return {
    ...(field("stdin").value && { stdin: field("stdin").value }),
    ...(args.length && { args }),
    ...(timeout && { timeout: (Number(timeout) || timeout) as number }),
    ...(Object.keys(limits).length && { limits }),
    ...(value("isolation") && { isolation: value("isolation") }),
    ...(value("environment") && { environment: value("environment") }),
    ...(artifacts.length && { artifacts }),
    ...(Object.keys(env).length && { env }),
    ...(packages.length && { packages }),
  };
}

function number(id: string, label: string): number {
  const found = Number(value(id).replace(",", "."));
  if (!Number.isFinite(found)) throw new FieldError(id, `${label}: “${value(id)}” is not a number.`);
  return found;
}

/** Says on the folded parts how much of them is filled in. */
export function countFields(): void {
  const tell = (id: string, ids: string[]): void => {
    const filled = ids.filter((name) => field(name).value !== "").length;
    the(id).textContent = filled ? `${filled} set` : "";
  };
  tell("input-count", [...INPUTS, "environment"]);
  tell("limits-count", LIMITS);
}

/** Marks the field that a part of a request came from, `limits.memory` say, and shows it. */
export function markWrong(part: string): void {
  const name = part.replace(/^limits\./, "").replace(/[[.].*$/, "");
  const id = name === "output" ? "output-limit" : name;
  if (![...INPUTS, ...LIMITS, "environment"].includes(id)) return;
  field(id).ariaInvalid = "true";
  field(id).closest("details")?.setAttribute("open", "");
  field(id).focus();
}

export function unmark(): void {
  for (const id of [...INPUTS, ...LIMITS, "environment"]) field(id).ariaInvalid = null;
}

/** Fills the fields in; those that are not named become empty. */
export function fill(values: Record<string, string>, interactive: boolean): void {
  for (const id of [...INPUTS, ...LIMITS]) field(id).value = values[id] ?? "";
  field("interactive").checked = interactive;
  // Where there is room, what the program is given is seen beside it.
  if (!isNarrow() && INPUTS.some((name) => values[name])) the<HTMLDetailsElement>("input").open = true;
  countFields();
}
