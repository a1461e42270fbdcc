class Builder { private parts: string[] = []; add(part: string): this { this.parts.push(part); return this; } build(): string { return this.parts.join("-"); } }
class Loud extends Builder { shout(): this { return this.add("!"); } }
console.log(new Loud().add("a").shout().add("b").build());
function bound(this: { n: number }, m: number): number { return this.n + m; }
console.log(bound.call({ n: 1 }, 2), bound.bind({ n: 5 })(5));
