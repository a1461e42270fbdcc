// Pins down death by SIGABRT sent by a child of the program.
const { spawn } = require('child_process');

console.log('asking a child');
spawn('sh', ['-c', 'kill -ABRT $PPID'], { stdio: 'inherit' });
setTimeout(() => console.log('never printed'), 5000);
