abstract class Shape {
  abstract area(): number;
  protected constructor(public readonly name: string) {}
  toString(): string { return `${this.name}: ${this.area().toFixed(2)}`; }
}
class Circle extends Shape {
  constructor(private r: number) { super("circle"); }
  area(): number { return Math.PI * this.r ** 2; }
}
class Square extends Shape {
  constructor(private side: number) { super("square"); }
  override area(): number { return this.side ** 2; }
}
for (const shape of [new Circle(2), new Square(3)] as Shape[]) console.log(String(shape));
console.log(Object.keys(new Circle(1)));
