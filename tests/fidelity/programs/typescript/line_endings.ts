const a: number = 1;
const text = `x
y`;
console.log(a, JSON.stringify(text));
