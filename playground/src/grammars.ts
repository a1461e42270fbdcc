// The grammars that colour programs, each fetched when it is first needed.
import { StreamLanguage } from "@codemirror/language";
import type { Extension } from "@codemirror/state";

/** By the name that a language gives of its grammar; the bundler follows no import whose name is
 * not written out. */
const GRAMMARS: Record<string, () => Promise<Extension>> = {
  c: async () => (await import("@codemirror/lang-cpp")).cpp(),
  cpp: async () => (await import("@codemirror/lang-cpp")).cpp(),
  go: async () => (await import("@codemirror/lang-go")).go(),
  java: async () => (await import("@codemirror/lang-java")).java(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript(),
  python: async () => (await import("@codemirror/lang-python")).python(),
  rust: async () => (await import("@codemirror/lang-rust")).rust(),
  shell: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/shell")).shell),
  typescript: async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true }),
};

/** A grammar; of a name that the page does not know it colours nothing. */
export async function grammarOf(name: string): Promise<Extension> {
  return (await GRAMMARS[name]?.()) ?? [];
}
