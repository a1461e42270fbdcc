// The list of shortcuts, and the keys as they are called on this machine.
import { the } from "./form";

/** Whether a dialog has the keyboard. */
export function isAnyOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/** Whether what is typed there is text, or chooses something. */
function takesText(target: EventTarget | null): boolean {
  const field = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]";
  return target instanceof Element && target.closest(field) !== null;
}

export function readyHelp(): void {
  const dialog = the<HTMLDialogElement>("help-dialog");
  const open = (): void => dialog.showModal();
  the("help").addEventListener("click", open);
  the("help-close").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  // A click beside it closes it, as people expect.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isAnyOpen() || takesText(event.target)) return;
    event.preventDefault();
    open();
  });
  if (!/Mac|iPhone|iPad/.test(navigator.platform)) return;
  the("run-key").textContent = "⌘ ⏎";
  for (const key of document.querySelectorAll("kbd.mod")) key.textContent = "⌘";
}
