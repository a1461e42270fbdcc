// Pins down CommonJS resolution: folders, index files, vendored packages, cycles, the module cache.
const path = require('path');

console.log(require('./lib').name, require('./lib/index.js') === require('./lib'));
console.log(require('./vendor/greeter')('Zoë'), require('./vendor/greeter/package.json').version);
console.log(require('./cycle/a').done, require('./cycle/b').sawA);
console.log(Object.keys(require.cache).map((file) => path.relative(__dirname, file)));
delete require.cache[require.resolve('./lib')];
console.log(require('./lib').loads);
require.extensions['.txt'] = (module, file) => { module.exports = require('fs').readFileSync(file, 'utf8').trim(); };
console.log(require('./lib/note.txt'), require('node:fs') === require('fs'), require('module').isBuiltin('fs'));
import('./lib/index.js').then((lib) => console.log(lib.default.loads, Object.keys(lib)));
