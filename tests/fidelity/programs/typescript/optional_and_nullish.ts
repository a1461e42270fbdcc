interface Deep { a?: { b?: { c?: (n: number) => number }[] } }
const deep: Deep = { a: { b: [{ c: (n) => n + 1 }] } };
console.log(deep.a?.b?.[0]?.c?.(1), deep.a?.b?.[5]?.c?.(1), ({} as Deep).a?.b);
let x: number | null = null; x ??= 5; x ||= 6; x &&= 7; console.log(x);
console.log(1_000_000, 0b101, 0xffn, 2 ** 10, "a".at(-1));
