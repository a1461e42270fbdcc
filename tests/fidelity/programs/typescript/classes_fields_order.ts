const log: string[] = [];
const note = <T,>(name: string, value: T): T => { log.push(name); return value; };
class Base { a = note("a", 1); constructor() { log.push("base"); } }
class Derived extends Base {
  b: number = note("b", this.a + 1);
  static s = note("s", 0);
  [note("computed", "c")] = note("c", 3);
  constructor(public p: string = note("p", "p")) { super(); log.push("derived"); }
}
console.log(new Derived(), log.join(" "));
