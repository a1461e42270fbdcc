const order: string[] = [];
function logged<T extends (...args: any[]) => any>(method: T, context: ClassMethodDecoratorContext): T {
  order.push(`${context.kind} ${String(context.name)}`);
  return function (this: unknown, ...args: any[]) { order.push("call"); return method.apply(this, args); } as T;
}
function twice(_: undefined, context: ClassFieldDecoratorContext) { return (value: number): number => value * 2; }
function named(target: any, context: ClassDecoratorContext): void { order.push(`class ${context.name}`); }
@named
class Point {
  @twice x = 4;
  @logged norm(): number { return this.x; }
  @logged static origin(): number { return 0; }
}
console.log(new Point().norm(), Point.origin(), order);
