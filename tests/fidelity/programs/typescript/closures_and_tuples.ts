type Range = [start: number, end?: number, ...rest: string[]];
const show = ([start, end = 10, ...rest]: Range): string => `${start}-${end} ${rest.join("|")}`;
console.log(show([1]), show([1, 2, "a", "b"]));
const made = Array.from({ length: 3 }, (_, i) => () => i);
console.log(made.map((f): number => f()));
function counter(this: void, start = 0) { return { next: () => start++ }; }
const c = counter(5); c.next(); console.log(c.next());
