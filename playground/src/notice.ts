// What stands above the output because it matters beyond one run.
import { the } from "./form";

function show(...content: (string | Node)[]): void {
  the("notice").replaceChildren(...content);
  the("notice").hidden = false;
}

export function hideNotice(): void {
  the("notice").hidden = true;
}

/** Says why nothing can be typed: events come, but over a request that takes no input. */
export function tellNoWebSocket(): void {
  show(
    "No WebSocket could be opened to this server, perhaps because of a proxy in between. Output " +
      "still comes as it is written, but nothing can be typed while the program runs: put its " +
      "input into “Standard input” before.",
  );
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
