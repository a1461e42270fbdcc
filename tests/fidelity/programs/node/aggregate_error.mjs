// Pins down Promise.any and an uncaught AggregateError at the top level of a module.
const results = await Promise.allSettled([Promise.resolve(1), Promise.reject(new Error('two')), 3]);
console.log(results.map(({ status, value, reason }) => [status, value ?? reason.message]));
console.log(await Promise.race([new Promise((done) => setTimeout(done, 50, 'slow')), 'fast']));
await Promise.any([Promise.reject(new RangeError('first')), Promise.reject('second, not an Error')]);
console.log('never printed');
