function parse(text: string): number;
function parse(text: string, radix: 2 | 16): bigint;
function parse(text: string, radix?: number): number | bigint {
  return radix ? BigInt(parseInt(text, radix)) : Number(text);
}
class Box { get(): string; get(n: number): number; get(n?: number) { return n ?? "none"; } }
console.log(parse("12"), parse("ff", 16), new Box().get(), new Box().get(2));
