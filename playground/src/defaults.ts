// What holds where a field is empty, as the server says: it stands in the field in grey, with the
// most that can be asked for below it.
import { the } from "./form";
import { styleOf } from "./languages";
import type { Defaults } from "./wire";
import { size } from "./words";

let known: Defaults | null = null;

export function showDefaults(defaults: Defaults): void {
  known = defaults;
  const { limits, max_limits: most } = defaults;
  const tell = (id: string, value: string, highest: string): void => {
    the<HTMLInputElement>(id).placeholder = value;
    the(`${id}-most`).textContent = `up to ${highest}`;
  };
  tell("timeout", time(defaults.timeout), time(Math.max(defaults.max_timeout, defaults.timeout)));
  for (const name of ["memory", "disk", "output"] as const) {
    const id = name === "output" ? "output-limit" : name;
    tell(id, size(limits[name]), size(Math.max(most[name], limits[name])));
  }
  for (const name of ["cpus", "pids"] as const) {
    tell(name, String(limits[name]), String(Math.max(most[name], limits[name])));
  }
  const isolation = the<HTMLSelectElement>("isolation");
  const chosen = isolation.value;
  const others = defaults.isolations.filter((word) => word !== defaults.isolation);
  isolation.replaceChildren(
    new Option(`${defaults.isolation} (default)`, ""),
    ...others.map((word) => new Option(word)),
  );
  isolation.value = others.includes(chosen) ? chosen : "";
}

/** Says how packages of a language are written, or that there are none to be had. */
export function showPackageForm(language: string): void {
  const field = the<HTMLInputElement>("packages");
  const example = styleOf(language)?.package ?? "";
  const offered = known === null || known.packages;
  field.placeholder = offered ? example : "";
  the("packages-about").textContent = !offered
    ? "This server offers none: its operator has set no folder of packages."
    : example
      ? ""
      : "None can be had for this language.";
}

function time(seconds: number): string {
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
