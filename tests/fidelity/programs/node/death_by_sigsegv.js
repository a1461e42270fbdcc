// Pins down death by SIGSEGV, although node has a handler of its own for WebAssembly faults.
require('fs').writeSync(1, 'about to go\n');
process.kill(process.pid, 'SIGSEGV');
setTimeout(() => console.log('never printed'), 1000);
