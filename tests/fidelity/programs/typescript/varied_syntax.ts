let a = 1, b: number = a<2 ? 3 : 4;
const f = (x: number): x is 3 => x === 3;
const g = async <T>(x: T): Promise<T> => x;
var h = function <T>(this: any, ...rest: T[]): T[] { return rest; };
abstract class Q { abstract z?: number; readonly y?: string; static async *gen<T>(t: T) { yield t; } }
console.log(b, f(3), h(1, 2), /[/]\/(?<n>x)/u.exec("//x")?.groups?.n, a as any satisfies unknown);
g<number>(1).then(console.log); if (a < 2 && b > 1) console.log(a<b, (a)<(b));
for (const [k, v] of Object.entries({ k: 1 } as Record<string, number>)) console.log(k, v);
label: { break label; }
