// A program in the fragment of an address: browsers keep that part to themselves, so a
// shared link tells the server nothing.
import { MOST_FILES } from "./files";

export interface Shared {
  language: string;
  /** The file that is run: its name, and its text. */
  entry: string;
  code: string;
  /** The other files' texts by their names. */
  files: Record<string, string>;
  stdin: string;
  interactive: boolean;
  args: string;
  artifacts: string;
  packages: string;
  env: string;
  environment: string;
}

const MARK = "#1.";
/** A fragment that unpacks to more than this is not a program: links are hostile too. */
const MOST_BYTES = 4 * 1024 * 1024;

export async function toFragment(shared: Shared): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(shared));
  const packed = await collect(through(text, new CompressionStream("deflate-raw")));
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  const base64 = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return MARK + base64;
}

/** The program of a fragment; null if it holds none. Throws if it is damaged. */
export async function fromFragment(fragment: string): Promise<Shared | null> {
  if (!fragment.startsWith(MARK)) return null;
  const base64 = fragment.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/");
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const text = await collect(through(packed, new DecompressionStream("deflate-raw")));
  return sharedOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text)));
}

/** A program of a document from elsewhere: what is missing or no text is empty. */
export function sharedOf(found: unknown): Shared {
  if (typeof found !== "object" || found === null) throw new TypeError("not an object");
  const fields = found as Record<string, unknown>;
  const string = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" ? value : "";
  };
  return {
    language: string("language"),
    entry: string("entry"),
    code: string("code"),
    files: texts(fields["files"]),
    stdin: string("stdin"),
    interactive: fields["interactive"] === true,
    args: string("args"),
    artifacts: string("artifacts"),
    packages: string("packages"),
    env: string("env"),
    environment: string("environment"),
  };
}

/** What of a value is texts by name. */
function texts(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter((pair): pair is [string, string] => typeof pair[1] === "string")
      .slice(0, MOST_FILES - 1),
  );
}

function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream().pipeThrough(stream);
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST_BYTES) {
      await reader.cancel();
      throw new RangeError("too large");
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
