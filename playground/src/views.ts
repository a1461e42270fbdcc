// What programs made, shown: pictures and pages. All of it is hostile: a picture is only ever a
// picture, a page is shown in a frame of its own that can reach neither this page nor a network, and
// both only up to a size.
import { type Picture, pictureOf } from "./pictures";
import { bytes } from "./words";

const MOST_SHOWN = 12;
const MOST_BYTES = 16 * 1024 * 1024;
/** Of what is text to a browser, which takes it longer. */
const MOST_TEXT = 4 * 1024 * 1024;
/** Points of one picture, each four bytes once it is unpacked; and of all together. */
const MOST_POINTS = 40_000_000;
const MOST_POINTS_TOGETHER = 120_000_000;
/** Pixels of a frame that is as high as its page. */
const LOWEST = 40;
const HIGHEST = 600;

/** Some of them, shown together and let go together. */
export class Views {
  /** Points of the pictures that are shown. */
  points = 0;
  /** Bytes of all that is kept. */
  size = 0;
  private shown = 0;
  private addresses: string[] = [];
  private readonly gone = new AbortController();

  /** Lets go of all of them. */
  release(): void {
    for (const address of this.addresses) URL.revokeObjectURL(address);
    this.addresses = [];
    this.gone.abort();
  }

  /** A file that can be shown, with its name; null if it cannot. */
  file(path: string, data: Uint8Array<ArrayBuffer>): HTMLElement | null {
    const picture = pictureOf(path, data);
    const points = picture?.points ?? 0;
    if (!this.hasRoom(points)) return null;
    const view = this.viewOf(path, data, picture);
    return view && this.figure(path, this.saveLink(path, data), view, points);
  }

  /** A page, in a frame that is as high as it is; null if there is no room. */
  page(name: string, text: string): HTMLElement | null {
    if (!this.hasRoom(0) || text.length > MOST_TEXT) return null;
    const data = new TextEncoder().encode(text);
    const frame = this.frame(name, text, false, true);
    return this.figure(name, this.saveLink(name, data), frame, 0);
  }

  /** A link that saves a file. */
  saveLink(path: string, data: Uint8Array<ArrayBuffer>): HTMLElement {
    const link = document.createElement("a");
    // No type of its own: a browser then only ever saves it.
    link.href = this.keep(new Blob([data], { type: "application/octet-stream" }));
    link.download = path.split("/").at(-1) ?? "file";
    link.textContent = path;
    const size = element("span", "size");
    size.textContent = bytes(data.length);
    link.append(size);
    return link;
  }

  private hasRoom(points: number): boolean {
    return (
      this.shown < MOST_SHOWN &&
      points <= MOST_POINTS &&
      this.points + points <= MOST_POINTS_TOGETHER
    );
  }

  private viewOf(
    path: string,
    data: Uint8Array<ArrayBuffer>,
    picture: Picture | null,
  ): HTMLElement | null {
    if (picture && picture.type !== "image/svg+xml") {
      if (data.length > MOST_BYTES) return null;
      const image = document.createElement("img");
      image.alt = path;
      image.decoding = "async";
      image.src = this.keep(new Blob([data], { type: picture.type }));
      return image;
    }
    if (data.length > MOST_TEXT) return null;
    if (picture) {
      // A drawing may be made to draw for ever: it does so in the frame.
      const blank = "background:#fff;margin:0;display:grid;place-items:center;height:100vh";
      const drawing = `<img alt="" style="max-width:100%;max-height:100vh" src="data:${picture.type};base64,${base64(data)}">`;
      return this.frame(path, `<body style="${blank}">${drawing}`, false);
    }
    if (!/\.html?$/i.test(path)) return null;
    return this.frame(path, new TextDecoder().decode(data), false);
  }

  /**
   * A frame that shows a page.
   *
   * @param scripts Whether its scripts run.
   * @param fit Whether it is as high as the page says that it is, within bounds.
   */
  private frame(path: string, page: string, scripts: boolean, fit = false): HTMLIFrameElement {
    const made = document.createElement("iframe");
    made.title = `${path}, shown by itself`;
    // Without same-origin: to the frame this page is a stranger's, and so is the server. The
    // frame's own policy says what it may load, which is nothing.
    made.sandbox.value = "allow-scripts";
    made.referrerPolicy = "no-referrer";
    made.src = new URL(`artifact-frame${scripts ? "?scripts" : ""}`, document.baseURI).href;
    made.addEventListener("load", () => made.contentWindow?.postMessage(page, "*"), { once: true });
    made.dataset["hasScripts"] = String(/<script|\son\w+\s*=|javascript:/i.test(page));
    made.addEventListener("run-scripts", () => made.replaceWith(this.frame(path, page, true, fit)));
    if (fit) this.fit(made);
    return made;
  }

  private fit(frame: HTMLIFrameElement): void {
    const heard = new AbortController();
    const listen = ({ source, data }: MessageEvent<unknown>): void => {
      // It is the page in the frame that says so: a number, and once.
      if (source !== frame.contentWindow || typeof data !== "number") return;
      heard.abort();
      const height = Math.min(Math.max(Math.ceil(data) || 0, LOWEST), HIGHEST);
      frame.style.flexBasis = frame.style.height = `${height}px`;
    };
    const signal = AbortSignal.any([heard.signal, this.gone.signal]);
    window.addEventListener("message", listen, { signal });
  }

  private figure(path: string, link: HTMLElement, view: HTMLElement, points: number): HTMLElement {
    this.shown++;
    this.points += points;
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

  private keep(blob: Blob): string {
    const address = URL.createObjectURL(blob);
    this.addresses.push(address);
    this.size += blob.size;
    return address;
  }
}

/** Bytes of base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function base64(data: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < data.length; at += 8192) {
    binary += String.fromCharCode(...data.subarray(at, at + 8192));
  }
  return btoa(binary);
}

export function button(label: string, name = ""): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = label;
  if (name) made.ariaLabel = name;
  return made;
}

export function element(name: string, className: string, content = ""): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content) made.textContent = content;
  return made;
}
