// Pins down how a CommonJS program sees itself: main module, file names, paths, wrapper arguments.
const fs = require('fs');
const path = require('path');
console.log(__filename, __dirname);
console.log(require.main === module, module.id, module.loaded, module.parent, module.children.length);
console.log(process.cwd() === __dirname, process.argv[1] === __filename, require.resolve('./main.js') === __filename);
console.log(arguments.length, this === module.exports, typeof require, path.relative(__dirname, module.paths[0]));
console.log(fs.readdirSync('.'), process.env.HOME === __dirname, require('os').homedir() === __dirname, process.title.length > 0);
console.log(fs.readFileSync(__filename, 'utf8').split('\n')[0]);
console.log(process.env.ABSENT, 'LANG' in process.env, process.env.LANG, process.platform, require('os').EOL === '\n');
