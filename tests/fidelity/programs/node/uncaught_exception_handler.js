// Pins down 'uncaughtException' and its monitor: the program carries on and ends with code 100.
process.on('uncaughtExceptionMonitor', (error, origin) => console.error('monitor:', error.message ?? error, origin));
process.on('uncaughtException', (error, origin) => {
  console.log('caught:', String(error), origin);
  process.exitCode = 100;
});
setTimeout(() => { throw new Error('from a timer'); }, 1);
setTimeout(() => { throw 'a string'; }, 5);
setTimeout(() => Promise.reject(new TypeError('from a promise')), 10);
setTimeout(() => console.log('still alive'), 20);
throw new SyntaxError('from the main script');
