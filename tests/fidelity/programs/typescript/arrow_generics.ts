const identity = <T,>(value: T): T => value;
const pair = <A, B extends keyof A>(a: A, b: B): [A, A[B]] => [a, a[b]];
function first<T>(items: T[], otherwise?: T): T | undefined { return items[0] ?? otherwise; }
console.log(identity<number>(3), pair({ x: 1, y: "two" }, "y"), first<string>([], "none"));
const typed = identity<(a: number) => string>((a) => a.toString(16));
console.log(typed(255), (<any>"cast").length, first([1, 2] as const));
