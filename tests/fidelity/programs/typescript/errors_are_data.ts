class NotFound extends Error {
  constructor(public readonly key: string, options?: ErrorOptions) { super(`no ${key}`, options); this.name = "NotFound"; }
}
function find(key: string): never { throw new NotFound(key, { cause: new RangeError("inner") }); }
try { find("x"); } catch (error) {
  if (error instanceof NotFound) console.error(error.name, error.message, (error.cause as Error).message, error.key);
}
process.exitCode = 4;
