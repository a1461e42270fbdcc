// Pins down how an ES module sees itself: import.meta, this, missing CommonJS names, strict mode.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

console.log(import.meta.url);
console.log(fileURLToPath(import.meta.url) === process.argv[1], import.meta.resolve('./x.js').endsWith('/x.js'));
console.log(this, typeof exports, typeof module, typeof __filename, basename(import.meta.filename ?? 'main.mjs'));
const require = createRequire(import.meta.url);
console.log(require.main, require('node:path').basename === basename);
export const exported = 1;
import(import.meta.url).then((self) => {
  console.log(Object.keys(self), self[Symbol.toStringTag], self.exported);
  undeclared = 2;
});
