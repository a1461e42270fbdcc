// Pins down a project of ES modules: live bindings, cycles, dynamic import, JSON, package imports.
import counter, { count, bump } from './lib/counter.mjs';
import * as shapes from '#shapes';
import { createRequire } from 'node:module';

console.log('main starts', count, counter.name);
bump();
console.log(count, Object.keys(shapes), shapes.area(2));
console.log(createRequire(import.meta.url)('./data.json').colours);
const { default: cjs, answer } = await import('./legacy.cjs');
console.log(cjs, answer);
for (const name of ['./lib/shapes.mjs', './missing.mjs', 'no-package', './broken.mjs', '#unknown']) {
  try {
    console.log(name, (await import(name)).area === shapes.area);
  } catch (error) {
    console.log(name, error.name, error.code);
  }
}
try {
  count = 5;
} catch (error) {
  console.log(error.message);
}
await import('./lib/thrower.mjs');
