// Pins down the report of a SyntaxError in the main file: nothing runs, exit code 1.
console.log('never printed');
const values = [1, 2;
