// What is being done, and for how long already: at the head of the result.
import { the } from "./form";

const READY = "Ready";

let since = 0;
let clock = 0;
let doing = "";

/** From now on something is being done. */
export function begin(what: string): void {
  document.body.classList.add("running");
  the("run").ariaDisabled = "true";
  the("stop").ariaDisabled = "false";
  clearInterval(clock);
  since = performance.now();
  clock = window.setInterval(show, 100);
  tell(what);
}

export function tell(what: string): void {
  doing = what;
  show();
}

export function end(): void {
  document.body.classList.remove("running");
  the("run").ariaDisabled = "false";
  the("stop").ariaDisabled = "true";
  clearInterval(clock);
  clock = 0;
  the("state").textContent = READY;
}

/** Says a word that stays until the end. */
export function tellStopping(): void {
  clearInterval(clock);
  the("state").textContent = "Stopping";
}

function show(): void {
  if (!clock) return;
  const elapsed = (performance.now() - since) / 1000;
  the("state").textContent = `${doing} ${elapsed.toFixed(1)} s`;
}
