// The files that a program left: pictures and pages are shown, each can be saved.
import { the } from "./form";
import { Views, element, fromBase64 } from "./views";

let views = new Views();

export function clearFiles(): void {
  the("files").replaceChildren();
  the("files").hidden = true;
  the("result").classList.remove("shows-files");
  views.release();
  views = new Views();
}

/** Shows what can be shown, and links to save each. */
export function showFiles(artifacts: Record<string, string>): void {
  const box = the("files");
  const links = element("div", "links");
  for (const [path, content] of Object.entries(artifacts)) {
    const data = fromBase64(content);
    const figure = views.file(path, data);
    if (figure) box.append(figure);
    else links.append(views.saveLink(path, data));
  }
  the("result").classList.toggle("shows-files", box.hasChildNodes());
  if (links.hasChildNodes()) box.append(links);
  box.hidden = !box.hasChildNodes();
}
