// The environments of a language: which there are, and what is in the one that is chosen.
import { countFields, the } from "./form";
import type { Environment } from "./wire";
import { bytes } from "./words";

/** So many packages are named; of the others the number is. */
const MOST_NAMED = 60;

let known: Environment[] = [];
/** What a link or a draft asks for, before it is known which there are. */
let wanted = "";

const picker = (): HTMLSelectElement => the<HTMLSelectElement>("environment");

/** Offers those of a language; the field is only there where there are some. */
export function offerEnvironments(language: string, all: Environment[] = known): void {
  known = all;
  const list = known.filter((item) => item.languages.includes(language));
  picker().replaceChildren(
    new Option("none", ""),
    ...list.map(({ name, built }) => new Option(built ? name : `${name} (not built yet)`, name)),
  );
  the("environment-field").hidden = !list.length;
  chooseEnvironment(wanted);
}

export function chosenEnvironment(): string {
  return picker().value || (known.length ? "" : wanted);
}

/** Chooses one by its name; one that is not offered as soon as it is. */
export function chooseEnvironment(name: string): void {
  wanted = name;
  picker().value = [...picker().options].some(({ value }) => value === name) ? name : "";
  describe();
}

function describe(): void {
  const chosen = known.find(({ name }) => name === picker().value);
  the("environment-about").textContent = chosen ? contents(chosen) : "";
  countFields();
}

/** What is in one, as a sentence or two. */
export function contents({ packages, built, size, preload }: Environment): string {
  const names = packages
    .slice(0, MOST_NAMED)
    .map(({ name, version }) => (version === null ? name : `${name} ${version}`));
  const more = packages.length - names.length;
  if (more > 0) names.push(`${more} more`);
  const list = names.join(", ") || "no packages";
  if (!built) return `Asks for ${list}. It is built when a program first wants it, which takes a while.`;
  const ahead = preload.length ? ` Imported ahead: ${preload.join(", ")}.` : "";
  return `${list}${size === null ? "" : ` (${bytes(size)})`}.${ahead}`;
}

export function readyEnvironments(): void {
  picker().addEventListener("change", () => chooseEnvironment(picker().value));
}
