// Arguments as a shell would take them from one line: blanks part them, quotes keep them
// together, a backslash takes the next character as it is.

/** The arguments of a line, or a sentence that says what is wrong with it. */
export function splitArguments(line: string): string[] | string {
  const found: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? "";
    if (character === "\\" && quote !== "'") {
      const next = line[++i];
      if (next === undefined) return "The arguments end with a lone backslash.";
      word = (word ?? "") + next;
    } else if (quote) {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== null) found.push(word);
      word = null;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote) return `A quotation mark (${quote}) of the arguments is not closed.`;
  if (word !== null) found.push(word);
  return found;
}
