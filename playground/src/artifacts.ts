// The files that a program left: pictures and pages are shown, each can be saved. All of them are
// hostile: a picture is only ever a picture, a page is shown in a frame of its own that can reach
// neither this page nor a network, and both only up to a size.
import { the } from "./form";
import { type Picture, pictureOf } from "./pictures";
import { bytes } from "./words";

const MOST_SHOWN = 12;
const MOST_BYTES = 16 * 1024 * 1024;
/** Of what is text to a browser, which takes it longer. */
const MOST_TEXT = 4 * 1024 * 1024;
/** Points of one picture, each four bytes once it is unpacked; and of all together. */
const MOST_POINTS = 40_000_000;
const MOST_POINTS_TOGETHER = 120_000_000;

let addresses: string[] = [];

export function clearFiles(): void {
  the("files").replaceChildren();
  the("files").hidden = true;
  the("result").classList.remove("shows-files");
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses = [];
}

/** Shows what can be shown, and links to save each. */
export function showFiles(artifacts: Record<string, string>): void {
  const box = the("files");
  const links = element("div", "links");
  let shown = 0;
  let points = 0;
  for (const [path, content] of Object.entries(artifacts)) {
    const data = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const link = saveLink(path, data);
    const picture = pictureOf(path, data);
    const size = picture?.points ?? 0;
    const fits = shown < MOST_SHOWN && size <= MOST_POINTS && points + size <= MOST_POINTS_TOGETHER;
    const view = fits ? viewOf(path, data, picture) : null;
    if (!view) {
      links.append(link);
      continue;
    }
    shown++;
    points += size;
    box.append(figure(path, link, view));
  }
  if (links.hasChildNodes()) box.append(links);
  box.hidden = !box.hasChildNodes();
  the("result").classList.toggle("shows-files", shown > 0);
}

function viewOf(path: string, data: Uint8Array<ArrayBuffer>, picture: Picture | null): HTMLElement | null {
  if (picture && picture.type !== "image/svg+xml") {
    if (data.length > MOST_BYTES) return null;
    const image = document.createElement("img");
    image.alt = path;
    image.decoding = "async";
    image.src = keep(new Blob([data], { type: picture.type }));
    return image;
  }
  if (data.length > MOST_TEXT) return null;
  if (picture) {
    // A drawing may be made to draw for ever: it does so in the frame.
    const blank = "background:#fff;margin:0;display:grid;place-items:center;height:100vh";
    const drawing = `<img alt="" style="max-width:100%;max-height:100vh" src="data:${picture.type};base64,${base64(data)}">`;
    return frame(path, `<body style="${blank}">${drawing}`, false);
  }
  if (!/\.html?$/i.test(path)) return null;
  return frame(path, new TextDecoder().decode(data), false);
}

/** A frame that shows a page, by default without its scripts. */
function frame(path: string, page: string, scripts: boolean): HTMLIFrameElement {
  const made = document.createElement("iframe");
  made.title = `${path}, shown by itself`;
  // Without same-origin: to the frame this page is a stranger's, and so is the server. The
  // frame's own policy says what it may load, which is nothing.
  made.sandbox.value = "allow-scripts";
  made.referrerPolicy = "no-referrer";
  made.src = new URL(`artifact-frame${scripts ? "?scripts" : ""}`, document.baseURI).href;
  made.addEventListener("load", () => made.contentWindow?.postMessage(page, "*"), { once: true });
  made.dataset["hasScripts"] = String(/<script|\son\w+\s*=|javascript:/i.test(page));
  made.addEventListener("run-scripts", () => made.replaceWith(frame(path, page, true)));
  return made;
}

function figure(path: string, link: HTMLElement, view: HTMLElement): HTMLElement {
  const made = element("figure", "");
  const caption = element("figcaption", "");
  caption.append(link);
  if (view.dataset["hasScripts"] === "true") {
    const run = button("Run scripts", `${path}: run its scripts`);
    run.title = "They can reach no network and nothing of this page.";
    run.addEventListener("click", () => {
      view.dispatchEvent(new Event("run-scripts"));
      run.remove();
    });
    caption.append(run);
  }
  if (document.fullscreenEnabled) {
    const enlarge = button("⤢", `${path}: full screen`);
    enlarge.title = "Full screen";
    enlarge.addEventListener("click", () => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void made.requestFullscreen();
    });
    caption.append(enlarge);
  }
  made.append(caption, view);
  return made;
}

function saveLink(path: string, data: Uint8Array<ArrayBuffer>): HTMLElement {
  const link = document.createElement("a");
  // No type of its own: a browser then only ever saves it.
  link.href = keep(new Blob([data], { type: "application/octet-stream" }));
  link.download = path.split("/").at(-1) ?? "file";
  link.textContent = path;
  const size = element("span", "size");
  size.textContent = bytes(data.length);
  link.append(size);
  return link;
}

function keep(blob: Blob): string {
  const address = URL.createObjectURL(blob);
  addresses.push(address);
  return address;
}

function base64(data: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < data.length; at += 8192) {
    binary += String.fromCharCode(...data.subarray(at, at + 8192));
  }
  return btoa(binary);
}

function button(label: string, name: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = label;
  if (name) made.ariaLabel = name;
  return made;
}

function element(name: string, className: string): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
