// What the server knows of its languages, as the page brings it along: names, and how an editor
// shows them. Which of them can run here, and what holds here, is asked later.

export interface LanguageStyle {
  name: string;
  aliases: string[];
  title: string;
  /** Suffixes of its files, the usual one first. */
  suffixes: string[];
  /** Name of the grammar that colours it. */
  grammar: string;
  /** One step of indentation. */
  indent: string;
  /** Regular expression of what follows a file's name where its tools name a place in it. */
  position: string;
  /** Name of the file that a program is put in. */
  entry: string;
  /** A program. */
  sample: string;
  /** How a package is written; null if it installs none. */
  package: string | null;
}

const told = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? "";

/** All of them, the usual one first. */
export const LANGUAGES: LanguageStyle[] = JSON.parse(told("languages") || "[]");

/** The folder that programs run in, as their tools may write it before a file's name. */
export const DIRECTORY = told("directory");

export function styleOf(language: string): LanguageStyle | undefined {
  return LANGUAGES.find(({ name }) => name === language);
}

/** The language of a file, by its suffix. */
export function languageOfFile(name: string): LanguageStyle | undefined {
  return LANGUAGES.find(({ suffixes }) => suffixes.some((suffix) => name.endsWith(suffix)));
}

/** Name of the file that a program of a language is put in. */
export function entryName(language: string): string {
  return styleOf(language)?.entry ?? "main";
}

/** A language's name as people write it. */
export function title(language: string): string {
  return styleOf(language)?.title ?? language;
}
