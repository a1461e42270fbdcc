(Symbol as any).dispose ??= Symbol("dispose");
class Resource {
  constructor(private name: string) { console.log("open", name); }
  [Symbol.dispose](): void { console.log("close", this.name); }
}
function use(): string {
  using a = new Resource("a");
  using b = new Resource("b");
  return "used";
}
console.log(use());
try { using c = new Resource("c"); throw new Error("inside"); } catch (e) { console.log((e as Error).message); }
