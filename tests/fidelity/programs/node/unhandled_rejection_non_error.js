// Pins down a rejection with a plain object, and 'unhandledRejection' / 'rejectionHandled' events.
const seen = (reason) => console.log('unhandled:', reason);
process.on('unhandledRejection', seen);
process.on('rejectionHandled', () => console.log('handled late'));
const late = Promise.reject({ first: 1 });
setTimeout(() => {
  late.catch(() => {});
  setTimeout(() => {
    process.off('unhandledRejection', seen);
    Promise.reject({ reason: 'plain object', nested: [1, { a: null }] });
  }, 5);
}, 5);
