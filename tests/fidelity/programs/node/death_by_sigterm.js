// Pins down a default death by the program's own SIGTERM: no exit handlers, no timers.
process.on('exit', () => console.log('never printed'));
console.log('about to go');
setTimeout(() => console.log('never printed'), 1000);
process.kill(process.pid, 'SIGTERM');
