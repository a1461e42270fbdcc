// Pins down the standard streams as a program sees them: pipes, no terminal, descriptors, flags.
const fs = require('fs');
const tty = require('tty');

for (const fd of [0, 1, 2]) {
  const info = fs.fstatSync(fd);
  console.log(fd, info.isFIFO(), info.isFile(), info.isCharacterDevice(), tty.isatty(fd));
}
for (const name of ['stdin', 'stdout', 'stderr']) {
  const stream = process[name];
  console.log(name, stream.fd, stream.isTTY, stream.constructor.name, stream.readable, stream.writable, stream.columns);
}
console.log(process.stdout.getColorDepth, process.stdout.hasColors, process.stdout.writableHighWaterMark, process.stdout._type);
console.log(process.execArgv, process.debugPort, process.exitCode, process.connected, process.noDeprecation, process.features.inspector);
console.log(process.stdin.readableFlowing, process.stdin.destroyed, process.stdout.writableEnded);
console.log(process.stdout.write('written: '), process.stdout.writableNeedDrain, process.stdout.destroySoon === process.stdout.destroy);
process.stdout.on('finish', () => console.error('finish'));
process.stdout.end('ended\n', () => console.error('callback'));
