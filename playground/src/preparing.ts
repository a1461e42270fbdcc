// What a program waits for before it begins: things that the server makes once for a language.
import { preparations } from "./connection";
import { the } from "./form";
import { preparationLine } from "./words";

const LOOK_DELAY = 1000;

let timer = 0;

/** Looks now and then until it is told to stop, and shows what is found. */
export function watchPreparations(language: string): void {
  stopWatching();
  const mine = window.setInterval(async () => {
    const found = await preparations(language);
    if (timer === mine) show(found);
  }, LOOK_DELAY);
  timer = mine;
}

export function stopWatching(): void {
  clearInterval(timer);
  timer = 0;
  the("preparing").hidden = true;
  the("preparing-label").textContent = "";
}

function show(found: Awaited<ReturnType<typeof preparations>>): void {
  const [first] = found;
  the("preparing").hidden = !first;
  if (!first) return;
  // Said once, while the count beside it changes all the time.
  const label = the("preparing-label");
  if (label.textContent !== first.label) label.textContent = first.label;
  const bar = the<HTMLProgressElement>("preparing-bar");
  if (first.total === null) bar.removeAttribute("value");
  else {
    bar.max = first.total;
    bar.value = first.done ?? 0;
  }
  the("preparing-count").textContent = first.total === null ? "" : `${first.done ?? 0} of ${first.total}`;
  bar.ariaLabel = preparationLine(first);
}
