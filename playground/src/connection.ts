// One execution over the network: a WebSocket, which carries input and the wish to stop;
// where there is no way for one, the event stream of an ordinary request.
import type { Defaults, ExecutionRequest, Language, Preparation, Problem, ServerEvent } from "./wire";

export interface Follower {
  event(event: ServerEvent): void;
  /** The execution failed, or was refused. Nothing comes after it. */
  problem(problem: Problem): void;
  /** Whether input can be sent while the program runs. Told once, before any event. */
  opened(takesInput: boolean): void;
}

export interface Execution {
  input(text: string): void;
  endInput(): void;
  stop(): void;
}

/** Addresses are relative to the page, so that it also works below a path of a proxy. */
function address(path: string): URL {
  return new URL(path, document.baseURI);
}

export async function languages(key: string): Promise<Language[]> {
  return (await ask("v1/languages", key)) as Language[];
}

/** What holds where a request leaves a field out. */
export async function defaults(key: string): Promise<Defaults> {
  return (await ask("v1/defaults", key)) as Defaults;
}

/** What is being made before programs of a language can run; [] where that is not known. */
export async function preparations(language: string): Promise<Preparation[]> {
  try {
    const { preparing } = (await ask("readyz", "")) as { preparing?: Preparation[] };
    return (preparing ?? []).filter((item) => item.language === language);
  } catch {
    return [];
  }
}

async function ask(path: string, key: string): Promise<unknown> {
  const response = await fetch(address(path), { headers: authorization(key) });
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/** Starts an execution. With `interactive`, its input stays open after `request.stdin`. */
export function execute(
  request: ExecutionRequest,
  interactive: boolean,
  key: string,
  follower: Follower,
): Execution {
  let current: Execution = { input() {}, endInput() {}, stop() {} };
  let stopped = false;
  const overFetch = (): void => {
    if (stopped) return follower.problem(STOPPED);
    current = stream(request, key, follower);
  };
  current = socket(request, interactive, key, follower, overFetch);
  return {
    input: (text) => current.input(text),
    endInput: () => current.endInput(),
    stop: () => {
      stopped = true;
      current.stop();
    },
  };
}

const STOPPED: Problem = { title: "Stopped by you", status: 0 };
const LOST: Problem = {
  title: "The connection was lost",
  status: 0,
  detail: "The server went away before the program's end; the program was ended with it.",
  hint: "Run it again. If it happens again, ask whoever runs the server.",
};

function authorization(key: string): Record<string, string> {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function socket(
  request: ExecutionRequest,
  interactive: boolean,
  key: string,
  follower: Follower,
  instead: () => void,
): Execution {
  const url = address("v1/execute/ws");
  url.protocol = url.protocol.replace("http", "ws");
  const connection = new WebSocket(url, protocols(key));
  let open = false;
  let begun = false;
  let over = false;
  const send = (message: object): void => {
    if (connection.readyState === WebSocket.OPEN) connection.send(JSON.stringify(message));
  };
  const end = (problem: Problem): void => {
    if (over) return;
    over = true;
    follower.problem(problem);
  };
  connection.onopen = () => {
    open = true;
    follower.opened(true);
    send(request);
    if (!interactive) send({ type: "eof" });
  };
  connection.onmessage = ({ data }: MessageEvent<string>) => {
    if (over) return;
    begun = true;
    const event = JSON.parse(data) as ServerEvent;
    if (event.type === "error") return end(event.problem);
    if (event.type === "result") over = true;
    follower.event(event);
  };
  connection.onclose = () => {
    // A browser tells nothing of why a connection was refused; an ordinary request does.
    if (!open && !over) {
      over = true;
      instead();
    } else end(LOST);
  };
  return {
    input: (text) => send({ type: "stdin", data: text }),
    endInput: () => send({ type: "eof" }),
    stop: () => {
      if (open && begun) send({ type: "kill" });
      else {
        // There is no program yet that could end, and leaving is enough.
        if (open) end(STOPPED);
        connection.close();
      }
    },
  };
}

/** Browsers let nobody set a header of a WebSocket; the key goes as a subprotocol. */
function protocols(key: string): string[] {
  if (!key) return [];
  const bytes = new TextEncoder().encode(key);
  const base64 = btoa(String.fromCharCode(...bytes));
  const token = base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return ["drybox", `drybox.key.${token}`];
}

function stream(request: ExecutionRequest, key: string, follower: Follower): Execution {
  const abort = new AbortController();
  const follow = async (): Promise<void> => {
    const response = await fetch(address("v1/execute/stream"), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...authorization(key) },
      body: JSON.stringify(request),
      signal: abort.signal,
    });
    if (!response.ok || !response.body) return follower.problem(await problemOf(response));
    follower.opened(false);
    for await (const message of messages(response.body)) {
      const event = JSON.parse(message) as ServerEvent;
      if (event.type === "error") return follower.problem(event.problem);
      follower.event(event);
      if (event.type === "result") return undefined;
    }
    return follower.problem(LOST);
  };
  follow().catch((error: unknown) => {
    follower.problem(abort.signal.aborted ? STOPPED : unreachable(error));
  });
  return { input() {}, endInput() {}, stop: () => abort.abort() };
}

/** The data of each message of a `text/event-stream`. */
async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const lines = part.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (lines.length) yield lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
    }
  }
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const found = (await response.json()) as Partial<Problem>;
    if (typeof found.title === "string") return { ...found, status: response.status } as Problem;
  } catch {
    // Not the service's own answer: that of a proxy in front of it, say.
  }
  return {
    title: `The server answered ${response.status}`,
    status: response.status,
    detail: response.statusText,
  };
}

/** Any failure as a problem. */
export function unreachable(error: unknown): Problem {
  if (typeof error === "object" && error !== null && "title" in error) return error as Problem;
  return {
    title: "The server cannot be reached",
    status: 0,
    detail: error instanceof Error ? error.message : String(error),
    hint: "See whether it runs, then try again.",
  };
}
