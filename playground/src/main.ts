// The playground: the page's parts, and what follows from what.
import examples, { type Example } from "playground:examples";
import { defaults, environments, languages, unreachable } from "./connection";
import { showDefaults, showPackageForm } from "./defaults";
import { chooseEnvironment, chosenEnvironment, offerEnvironments, readyEnvironments } from "./environments";
import { findDraft, keepDraft } from "./draft";
import { FieldError, INPUTS, LIMITS, countFields, fill, isNarrow, readFields, the, unmark } from "./form";
import { isAnyOpen, readyHelp } from "./help";
import { LANGUAGES, styleOf, title } from "./languages";
import { type Task, readyModes, start as startTask, stop as stopTask } from "./modes";
import { offerBack } from "./notice";
import { Project } from "./project";
import { clearResult, showProblem, showRefusal } from "./result";
import { type Shared, fromFragment, toFragment } from "./share";
import { readyTheme } from "./theme_switch";
import type { Language } from "./wire";

const KEY = "drybox-key";
const FIRST = LANGUAGES[0]?.name ?? "";

const language = the<HTMLSelectElement>("language");
const example = the<HTMLSelectElement>("example");
const run = the<HTMLButtonElement>("run");
const stop = the<HTMLButtonElement>("stop");
const interactive = the<HTMLInputElement>("interactive");
const keyForm = the<HTMLFormElement>("key-form");

const project = new Project({ run: start, changed: () => (example.value = matching()) });

let key = sessionStorage.getItem(KEY) ?? "";
let known: Language[] = [];
const fetched: Record<string, Example[]> = {};

// --- languages and examples ------------------------------------------------------------------

function offer(list: Language[]): void {
  const wanted = language.value;
  language.replaceChildren(
    ...list.map(({ name, version }) => {
      const label = version === null ? `${title(name)}, not here` : `${title(name)} ${version}`;
      return new Option(label, name);
    }),
  );
  if (wanted) choose(wanted);
}

/** Selects a language, also one that the server does not have. */
function choose(name: string): void {
  const alias = known.find((item) => item.name === name || item.aliases.includes(name));
  const found = alias?.name ?? name;
  if (![...language.options].some((option) => option.value === found)) {
    language.add(new Option(title(found), found));
  }
  language.value = found;
  const missing = known.find((item) => item.name === found && item.version === null);
  the("missing").hidden = !missing;
  the("missing").textContent = missing ? `${title(found)} is not here. ${missing.hint ?? ""}` : "";
  project.speak(found);
  showExamples();
  void learnExamples(found);
  showPackageForm(found);
  offerEnvironments(found);
}

/** Fetches a language's examples: the page's, else the server's sample. */
async function learnExamples(name: string): Promise<void> {
  if (fetched[name]) return;
  const sample = styleOf(name)?.sample;
  const instead = sample ? [{ id: "hello", title: "Hello", code: sample }] : [];
  fetched[name] = (await examples[name]?.()) ?? instead;
  if (language.value === name) showExamples();
}

function showExamples(): void {
  example.replaceChildren(
    new Option("Your own", ""),
    ...offered().map((item) => new Option(item.title, item.id)),
  );
  example.value = matching();
}

function offered(): Example[] {
  return fetched[language.value] ?? [];
}

/** The id of the example whose text is in the editor, or "". */
function matching(): string {
  if (!project.isPlain) return "";
  return offered().find(({ code }) => code === project.code)?.id ?? "";
}

function load({ code, stdin, args, artifacts, limits, interactive }: Example): void {
  const limit = Object.fromEntries(
    Object.entries(limits ?? {}).map(([name, value]) => [
      name === "output" ? "output-limit" : name,
      value,
    ]),
  );
  const count = project.size;
  const before = count > 1 ? current() : null;
  fill(
    { stdin: stdin ?? "", args: args ?? "", artifacts: artifacts ?? "", ...limit },
    interactive ?? true,
  );
  project.open({ entry: "", code, files: {} });
  if (before) offerBack(`The example has taken the place of your ${count} files.`, () => show(before));
}

language.addEventListener("change", async () => {
  const before = example.value;
  const chosen = language.value;
  const { code } = project;
  choose(chosen);
  await learnExamples(chosen);
  if (language.value !== chosen || project.code !== code) return; // people are faster
  // An example stays the same one in the other language; a text of the user's stays as it is.
  const same = offered().find(({ id }) => id === before);
  if (same && project.isPlain) project.open({ entry: "", code: same.code, files: {} });
});

example.addEventListener("change", () => {
  const chosen = offered().find(({ id }) => id === example.value);
  if (chosen) load(chosen);
});

async function learnLanguages(): Promise<void> {
  try {
    known = await languages(key);
    offer(known);
    keyForm.hidden = true;
    showDefaults(await defaults(key));
    showPackageForm(language.value);
    offerEnvironments(language.value, await environments(key));
  } catch (error) {
    showRefusal(unreachable(error));
  }
}

// --- a run ------------------------------------------------------------------------------------

function start(): void {
  void startTask((error) => showRefusal(unreachable(error)));
}

/** What is asked for; null if a field is wrong, which is said then. */
function prepare(): Task | null {
  clearResult();
  unmark();
  let fields: ReturnType<typeof readFields>;
  try {
    fields = readFields();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    showRefusal({ title: "This cannot be sent", status: 0, detail: error.message, field: error.id });
    return null;
  }
  document.body.classList.add("ran");
  // On a narrow window the result stands below the program.
  if (isNarrow()) the("result").scrollIntoView();
  const request = { language: language.value, ...project.request(), ...fields };
  return { request, wantsInput: interactive.checked, key, places: project.places() };
}

run.addEventListener("click", start);
stop.addEventListener("click", stopTask);

document.addEventListener("keydown", (event) => {
  if (isAnyOpen()) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
    event.preventDefault();
    start();
  } else if (event.key === "Escape") {
    stopTask();
  }
});

// --- the rest of the page ----------------------------------------------------------------------

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  key = the<HTMLInputElement>("key").value.trim();
  sessionStorage.setItem(KEY, key);
  the<HTMLInputElement>("key").value = "";
  clearResult();
  keyForm.hidden = true;
  run.focus();
  void learnLanguages();
});

for (const id of [...INPUTS, ...LIMITS]) {
  the(id).addEventListener("input", countFields);
}

function say(text: string): void {
  the("said").textContent = text;
  window.setTimeout(() => (the("said").textContent = ""), 4000);
}

function current(): Shared {
  const value = (id: string): string => the<HTMLInputElement>(id).value;
  return {
    language: language.value,
    ...project.sources(),
    stdin: value("stdin"),
    interactive: interactive.checked,
    args: value("args"),
    artifacts: value("artifacts"),
    packages: value("packages"),
    env: value("env"),
    environment: chosenEnvironment(),
  };
}

function show(program: Shared): void {
  choose(program.language || FIRST);
  const { stdin, args, artifacts, packages, env } = program;
  fill({ stdin, args, artifacts, packages, env }, program.interactive);
  chooseEnvironment(program.environment);
  project.open(program);
  example.value = matching();
}

the("share").addEventListener("click", async () => {
  history.replaceState(null, "", await toFragment(current()));
  try {
    await navigator.clipboard.writeText(location.href);
    say("Link copied");
  } catch {
    say("The link is in the address bar");
  }
});

window.addEventListener("pagehide", () => keepDraft(location.hash, current()));

async function openShared(): Promise<boolean> {
  try {
    const shared = await fromFragment(location.hash);
    if (shared) show(shared);
    return shared !== null;
  } catch {
    showProblem({
      title: "This link is damaged",
      status: 0,
      detail: "The program in it cannot be read.",
      hint: "Ask for it again; perhaps a part of the link was cut off.",
    });
    return false;
  }
}

window.addEventListener("hashchange", () => void openShared());

async function begin(): Promise<void> {
  readyTheme();
  readyHelp();
  readyEnvironments();
  readyModes(prepare);
  offer(LANGUAGES.map(({ name, aliases }) => ({ name, aliases, version: "" })));
  const draft = findDraft(location.hash);
  if (draft) show(draft);
  else if (!(await openShared())) {
    choose(FIRST);
    await learnExamples(FIRST);
    const first = offered()[0];
    if (first) load(first);
  }
  await learnLanguages();
}

void begin();
