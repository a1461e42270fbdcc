// Pins down the report of an uncaught error with a chain of causes and extra properties.
function parse(text) {
  if (!/^\d+$/.test(text)) throw new RangeError(`not a number: ${text}`);
  return Number(text);
}

class Loader {
  load(rows) {
    try {
      return rows.map((row) => parse(row));
    } catch (error) {
      throw new Error('cannot load\non two lines', { cause: error });
    }
  }
}

console.log('before the error');
try {
  new Loader().load(['1', 'zwölf']);
} catch (error) {
  throw Object.assign(new TypeError('giving up', { cause: error }), { code: 'E_GIVE_UP', details: { row: 2 } });
}
