interface Bag { [key: string]: number | undefined; size?: number }
const bag: Bag = { apples: 3 };
bag["pears"] = (bag["pears"] ?? 0) + 2;
type Mapped = { [K in keyof Bag as `get${string & K}`]: () => Bag[K] };
const partial: Partial<Record<"a" | "b", number>> = { a: 1 };
console.log(bag, partial?.b ?? "no b", Object.entries(bag));
