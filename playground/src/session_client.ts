// A session over the network.
import { address, ask, authorization, messages, post, problemOf } from "./connection";
import type { ExecutionRequest, FileInfo, Problem, SessionEvent, SessionInfo, SessionResult } from "./wire";

/** A list of more than so much text is not read. */
const MOST_LIST = 4 * 1024 * 1024;
/** A file of more is not fetched into the page. */
export const MOST_FILE = 256 * 1024 * 1024;

const LOST: Problem = {
  title: "The connection was lost",
  status: 0,
  detail: "It broke off before the code's end; the server interrupts code that nobody waits for.",
  hint: "The session may still be there: run something.",
};

const NO_STREAM: Problem = {
  title: "No live answer gets through",
  status: 0,
  detail:
    "Something between here and the server, a proxy perhaps, lets nothing through piece by piece. " +
    "This code may have run all the same, in whole or in part, so it is not run again by itself.",
  hint: "Run it again if that does no harm: from now on answers come in one piece, at the end.",
};

/** Whether answers come in one piece, as far as is known since the page was opened. */
let wholeAnswers = false;

export class SessionClient {
  private constructor(
    readonly info: SessionInfo,
    private readonly key: string,
  ) {}

  /** Opens one. Throws a Problem. */
  static async open(request: ExecutionRequest, key: string): Promise<SessionClient> {
    const { language, environment, limits, env, isolation, timeout } = request;
    const asked = { language, environment, limits, env, isolation, timeout };
    const response = await post("v1/sessions", { ...asked, metadata: { from: "playground" } }, key);
    return new SessionClient((await documentOf(response)) as SessionInfo, key);
  }

  /** Runs code, and tells of what happens. Throws a Problem. */
  async run(
    request: { code: string; language: string; stdin?: string; timeout?: number },
    tell: (event: SessionEvent) => void,
  ): Promise<SessionResult> {
    if (wholeAnswers) return this.runWhole(request, tell);
    const response = await post(`${this.path}/run/stream`, request, this.key).catch(() => null);
    const type = response?.headers.get("Content-Type") ?? "";
    if (type.startsWith("application/problem+json")) throw await problemOf(response as Response);
    let begun = false;
    if (response?.ok && response.body && type.startsWith("text/event-stream")) {
      for await (const message of messages(response.body)) {
        begun = true;
        const event = JSON.parse(message) as SessionEvent;
        if (event.type === "error" && event.problem) throw event.problem;
        tell(event);
        if (event.type === "result") return event.result;
      }
    }
    if (begun) throw LOST;
    await this.show(); // a server that is not there at all says so here
    wholeAnswers = true;
    throw NO_STREAM;
  }

  /** What the session is now. */
  async show(): Promise<SessionInfo> {
    return (await ask(this.path, this.key)) as SessionInfo;
  }

  async interrupt(): Promise<void> {
    await documentOf(await post(`${this.path}/interrupt`, {}, this.key));
  }

  async restart(): Promise<void> {
    await documentOf(await post(`${this.path}/restart`, {}, this.key));
  }

  /** Closes it, also while the page goes away. */
  async close(): Promise<void> {
    await this.send("DELETE", this.path, { keepalive: true });
  }

  async list(folder: string): Promise<FileInfo[]> {
    const query = `?path=${encodePath(folder).replaceAll("/", "%2F")}&depth=1`;
    const response = await this.send("GET", `${this.path}/files${query}`);
    const text = await bounded(response, MOST_LIST, "The folder has too many files to be listed here.");
    return JSON.parse(await text.text()) as FileInfo[];
  }

  async read(path: string): Promise<Blob> {
    const response = await this.send("GET", this.file(path));
    return bounded(response, MOST_FILE, "The file is too large to be fetched into a page.");
  }

  async write(path: string, content: Blob | string): Promise<void> {
    await this.send("PUT", this.file(path), { body: content });
  }

  async remove(path: string): Promise<void> {
    await this.send("DELETE", this.file(path));
  }

  private async runWhole(request: object, tell: (event: SessionEvent) => void): Promise<SessionResult> {
    const answer = await documentOf(await post(`${this.path}/run`, request, this.key));
    const result = answer as SessionResult;
    for (const type of ["stdout", "stderr"] as const) {
      if (result[type]) tell({ type, data: result[type] });
    }
    for (const display of result.results) tell({ type: "display", display });
    if (result.error) tell({ type: "error", error: result.error });
    return result;
  }

  private get path(): string {
    return `v1/sessions/${encodeURIComponent(this.info.id)}`;
  }

  private file(path: string): string {
    return `${this.path}/files/${encodePath(path)}`;
  }

  private async send(method: string, path: string, more: RequestInit = {}): Promise<Response> {
    const response = await fetch(address(path), {
      method,
      headers: authorization(this.key),
      ...more,
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

async function documentOf(response: Response): Promise<unknown> {
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/** What a response brings, if it is not more than so many bytes. */
async function bounded(response: Response, most: number, sentence: string): Promise<Blob> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return new Blob(pieces, { type: "application/octet-stream" });
    size += value.length;
    if (size > most) {
      await reader?.cancel();
      throw { title: "Too large", status: 0, detail: sentence } satisfies Problem;
    }
    pieces.push(value as Uint8Array<ArrayBuffer>);
  }
}

/** A path in a URL. Bytes that are no UTF-8 come as lone surrogates, and go as themselves. */
export function encodePath(path: string): string {
  let out = "";
  for (const character of path) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) out += `%${(code - 0xdc00).toString(16).toUpperCase()}`;
    else if (code >= 0xd800 && code <= 0xdfff) out += "%EF%BF%BD";
    else out += character === "/" ? "/" : encodeURIComponent(character);
  }
  return out;
}
