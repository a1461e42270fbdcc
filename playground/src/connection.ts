// One execution over the network: a WebSocket, which carries input and the wish to stop; where
// there is no way for one, the event stream of an ordinary request; where there is no way for that
// either, a request that is answered when the program has ended.
import type {
  Defaults,
  Environment,
  ExecutionRequest,
  ExecutionResult,
  Language,
  Preparation,
  Problem,
  ServerEvent,
} from "./wire";

/** How an execution is followed: with input while it runs, without, or only once it has ended. */
export type Way = "socket" | "stream" | "whole";

export interface Follower {
  event(event: ServerEvent): void;
  /** The execution failed, or was refused. Nothing comes after it. */
  problem(problem: Problem): void;
  /** How the execution is followed; null if nothing gets through. Told before any event. */
  opened(way: Way | null): void;
}

export interface Execution {
  input(text: string): void;
  endInput(): void;
  stop(): void;
}

/** Addresses are relative to the page, so that it also works below a path of a proxy. */
export function address(path: string): URL {
  return new URL(path, document.baseURI);
}

export async function languages(key: string): Promise<Language[]> {
  return (await ask("v1/languages", key)) as Language[];
}

/** What holds where a request leaves a field out. */
export async function defaults(key: string): Promise<Defaults> {
  return (await ask("v1/defaults", key)) as Defaults;
}

/** The environments that a request may name; [] where they are not to be known. */
export async function environments(key: string): Promise<Environment[]> {
  try {
    return (await ask("v1/environments", key)) as Environment[];
  } catch {
    return [];
  }
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

export async function ask(path: string, key: string): Promise<unknown> {
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
  const next = (begin: typeof stream): (() => void) => () => {
    if (stopped) return follower.problem(STOPPED);
    current = begin(request, key, follower, next(whole));
  };
  if (nothingStreams) next(whole)();
  else current = socket(request, interactive, key, follower, next(stream));
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

export function authorization(key: string): Record<string, string> {
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
    follower.opened("socket");
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

/**
 * An execution followed by an event stream. `instead` is called where none is to be had: something
 * in between refuses it, cuts it off before its first event, or the browser cannot read one.
 */
function stream(
  request: ExecutionRequest,
  key: string,
  follower: Follower,
  instead: () => void,
): Execution {
  const abort = new AbortController();
  let begun = false;
  const follow = async (): Promise<void> => {
    const response = await post("v1/execute/stream", request, key, abort.signal);
    if (isProblem(response)) return follower.problem(await problemOf(response));
    if (!response.body || !isOf(response, "text/event-stream")) return instead();
    follower.opened("stream");
    for await (const message of messages(response.body)) {
      begun = true;
      const event = JSON.parse(message) as ServerEvent;
      if (event.type === "error") return follower.problem(event.problem);
      follower.event(event);
      if (event.type === "result") return undefined;
    }
    return begun ? follower.problem(LOST) : instead();
  };
  follow().catch((error: unknown) => {
    if (abort.signal.aborted) follower.problem(STOPPED);
    // A program has no effects outside its sandbox: one that may have begun begins anew.
    else if (begun) follower.problem(unreachable(error));
    else instead();
  });
  return { input() {}, endInput() {}, stop: () => abort.abort() };
}

/** Whether nothing but whole answers reaches this page, as far as is known since it was opened. */
let nothingStreams = false;

/** An execution whose result comes in one answer, at its end. */
function whole(request: ExecutionRequest, key: string, follower: Follower): Execution {
  const abort = new AbortController();
  const follow = async (): Promise<void> => {
    follower.opened("whole");
    const response = await post("v1/execute", request, key, abort.signal);
    if (!response.ok) return follower.problem(await problemOf(response));
    const result = (await response.json()) as ExecutionResult;
    nothingStreams = true;
    for (const type of ["stdout", "stderr"] as const) follower.event({ type, data: result[type] });
    return follower.event({ type: "result", result });
  };
  follow().catch((error: unknown) => {
    if (abort.signal.aborted) return follower.problem(STOPPED);
    follower.opened(null);
    return follower.problem(unreachable(error));
  });
  return { input() {}, endInput() {}, stop: () => abort.abort() };
}

export function post(
  path: string,
  document: object,
  key: string,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...authorization(key) },
    body: JSON.stringify(document),
    signal,
  });
}

function isOf(response: Response, type: string): boolean {
  return (response.headers.get("Content-Type") ?? "").startsWith(type);
}

/** Whether it is the service itself that refuses, and not something in between. */
function isProblem(response: Response): boolean {
  return !response.ok && isOf(response, "application/problem+json");
}

/** The data of each message of a `text/event-stream`. */
export async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string>).getReader();
  // Pieces of a message that is under way: joined once, however many they are.
  let held: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // The empty line that ends a message may be cut in two.
    const text = /[\r\n]$/.test(held.at(-1) ?? "") ? (held.pop() ?? "") + value : value;
    const parts = text.split(/\r?\n\r?\n/);
    if (parts.length === 1) {
      held.push(text);
      continue;
    }
    parts[0] = held.join("") + parts[0];
    held = [parts.pop() ?? ""];
    for (const part of parts) {
      const lines = part.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (lines.length) yield lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
    }
  }
}

export async function problemOf(response: Response): Promise<Problem> {
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
