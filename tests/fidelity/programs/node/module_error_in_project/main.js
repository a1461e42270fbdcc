// Pins down errors that cross the files of a project, also a SyntaxError and broken JSON in a part.
const { total } = require('./shop/prices');

console.log(total(['apple', 'pear']));
for (const part of ['./unfinished', './broken.json']) {
  try {
    require(part);
  } catch (error) {
    console.log(error.name, error.message.split(': ').pop());
  }
}
console.log(total(['apple', 'melon']));
