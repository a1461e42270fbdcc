// Pins down custom error classes: names, toString, inspect, captured stacks, own inspect method.
const util = require('util');

class AppError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'AppError';
    Error.captureStackTrace(this, AppError);
  }
}
class NotFound extends AppError {
  constructor(what) {
    super(`${what} not found`);
    this.what = what;
  }
  get [Symbol.toStringTag]() { return 'Missing'; }
}
class Own extends Error {
  [util.inspect.custom]() { return '<<own text>>'; }
}

const error = new NotFound('größe');
console.log(String(error), error instanceof AppError, Object.prototype.toString.call(error), error.stack.split('\n')[0]);
console.log(new Own('x'), util.inspect(Object.assign(new Error('flat'), { stack: 'Error: flat\n    at made.js:1:2' })));
const limited = Error.stackTraceLimit = 1;
console.log(new Error('one frame').stack.split('\n').length - limited);
throw error;
