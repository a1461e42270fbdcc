// Environment variables, one a line: NAME=value.

/** The variables of a text, or a sentence that says what is wrong with it. */
export function readVariables(text: string): Record<string, string> | string {
  const found: Record<string, string> = Object.create(null);
  for (const line of text.split(/\r?\n/)) {
    if (!line.trim()) continue;
    const at = line.indexOf("=");
    const name = line.slice(0, Math.max(at, 0)).trim();
    if (!name) return `“${line.trim()}” is no variable: write NAME=value.`;
    if (name in found) return `The variable ${name} is there twice.`;
    found[name] = line.slice(at + 1);
  }
  return { ...found };
}
