// Pins down code made at run time: eval, Function, vm contexts, a vm timeout, named script errors.
const vm = require('vm');

var hidden = 'module scope';
console.log(eval('hidden'), (0, eval)('typeof hidden'), new Function('a', 'b', 'return a * b')(6, 7));
const context = vm.createContext({ log: [], n: 2 });
vm.runInContext('log.push(n ** 10); globalThis.made = [1]; var x = typeof require', context);
console.log(context.log, context.x, context.made instanceof Array, Array.isArray(context.made));
try {
  vm.runInNewContext('while (true);', {}, { timeout: 20 });
} catch (error) {
  console.log(error.code);
}
try {
  new vm.Script('let let = 1', { filename: 'bad-script.js' });
} catch (error) {
  console.log(error.name, error.stack.split('\n')[0]);
}
new vm.Script('\n\nfunction deep() { throw new Error("from a script"); }\ndeep();', { filename: 'virtual.js', lineOffset: 9 }).runInThisContext();
