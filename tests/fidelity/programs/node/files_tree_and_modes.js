// Pins down synchronous file work: trees, links, modes under a umask, truncation, times, removal.
const fs = require('fs');
const path = require('path');
const mode = (file) => (fs.lstatSync(file).mode & 0o7777).toString(8);

fs.writeFileSync('default', '');
fs.mkdirSync('defaultdir');
console.log('inherited umask', mode('default'), mode('defaultdir'), process.umask(0o027).toString(8));
fs.mkdirSync('tree/ä b/c', { recursive: true });
fs.writeFileSync('tree/ä b/one.txt', 'one', { mode: 0o666 });
fs.writeFileSync('tree/ä b/run', '#!/bin/sh\necho ran\n', { mode: 0o777 });
console.log(mode('tree/ä b/one.txt'), mode('tree/ä b/run'), mode('tree'));
fs.chmodSync('tree/ä b/one.txt', 0o4640);
fs.linkSync('tree/ä b/one.txt', 'hard');
fs.symlinkSync('../hard', 'tree/soft');
console.log(mode('hard'), fs.statSync('hard').nlink, fs.readlinkSync('tree/soft'), path.relative('.', fs.realpathSync('tree/soft')));
fs.appendFileSync('hard', ' more');
fs.truncateSync('hard', 5);
fs.utimesSync('hard', 1e9, 1234567890.5);
console.log(fs.readFileSync('tree/soft', 'utf8'), fs.statSync('hard').mtimeMs, fs.statSync('hard').mtime.toISOString());
console.log(fs.readdirSync('tree', { recursive: true }).sort());
console.log(fs.readdirSync('.', { withFileTypes: true }).map((e) => [e.name, e.isDirectory()]).sort());
console.log(String(require('child_process').execFileSync('./run', { cwd: 'tree/ä b' })).trim());
fs.cpSync('tree', 'copy', { recursive: true });
fs.renameSync('copy/ä b', 'moved');
fs.rmSync('tree', { recursive: true });
console.log(fs.readdirSync('.').sort(), fs.existsSync('tree'), fs.readdirSync('moved').sort());
