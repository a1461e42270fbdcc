// Pins down asynchronous file work: handles, positions, appends, streams, renames, temporary folders.
import fs from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const handle = await fs.open('data.bin', 'w+');
await handle.write(Buffer.from('0123456789'), 0, 10, 100_000);
await handle.sync();
console.log((await handle.stat()).size, (await handle.read(Buffer.alloc(4), 0, 4, 99_998)).buffer);
await handle.close();
await Promise.all(Array.from({ length: 20 }, (_, i) => fs.appendFile('log.txt', `line ${i}\n`)));
console.log((await fs.readFile('log.txt', 'utf8')).split('\n').length);
await pipeline(createReadStream('data.bin', { start: 100_000, end: 100_004 }), createWriteStream('part.txt'));
console.log(await fs.readFile('part.txt', 'latin1'));
await fs.rename('part.txt', 'log.txt');
await fs.copyFile('log.txt', 'copy.txt', fs.constants.COPYFILE_EXCL);
console.log((await fs.readdir('.')).sort());
const folder = await fs.mkdtemp(join(tmpdir(), 'fidelity-'));
await fs.writeFile(join(folder, 'x'), new Uint8Array([1, 2, 3]));
console.log((await fs.stat(folder)).isDirectory(), ((await fs.stat(folder)).mode & 0o777).toString(8), await fs.readFile(join(folder, 'x')));
await fs.rm(folder, { recursive: true });
for await (const line of (await fs.open('copy.txt')).readLines()) console.log('line:', line);
await fs.access('missing.txt');
