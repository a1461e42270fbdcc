// Pins down MODULE_NOT_FOUND: the require stack, the error's properties, exit code 1.
try {
  require('./nowhere.json');
} catch (error) {
  console.log(error.code, error.message.split('\n')[0], error.requireStack.length);
}
console.log('going on');
try {
  require('not-an-installed-package');
} catch (error) {
  delete error.requireStack; // its layout would depend on the length of the path
  throw error;
}
