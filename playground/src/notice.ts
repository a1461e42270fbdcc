// What stands above the output because it matters beyond one run.
import type { Way } from "./connection";
import { the } from "./form";

function show(...content: (string | Node)[]): void {
  the("notice").replaceChildren(...content);
  the("notice").hidden = false;
}

export function hideNotice(): void {
  the("notice").hidden = true;
}

/** Says what is not to be had over the way that an execution takes. */
export function tellWay(way: Way | null): void {
  if (way === "socket" || way === null) hideNotice();
  else if (way === "stream") {
    show(
      "No WebSocket could be opened to this server, perhaps because of a proxy in between. Output " +
        "still comes as it is written, but nothing can be typed while the program runs: put its " +
        "input into “Standard input” before.",
    );
  } else {
    show(
      "Nothing that is sent piece by piece gets through from this server, perhaps because of a " +
        "proxy in between. Output appears when the program has ended, stdout before stderr, and " +
        "nothing can be typed while it runs: put its input into “Standard input” before.",
    );
  }
}

/** Offers a way back to several files, since no undoing of one leads there. */
export function offerBack(what: string, bring: () => void): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = "Bring them back";
  button.addEventListener("click", () => {
    hideNotice();
    bring();
  });
  show(`${what} `, button);
}
