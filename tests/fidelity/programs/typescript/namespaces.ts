namespace Geometry {
  export const unit: number = 2;
  export namespace Deep { export function twice(n: number): number { return n * unit; } }
  export class Point { constructor(public x: number) {} }
  const hidden = "hidden";
  export let counter = 0;
  counter += hidden.length;
}
namespace Geometry { export const more = unit + 1; }
import Twice = Geometry.Deep.twice;
console.log(Twice(4), Geometry.more, new Geometry.Point(3), Geometry.counter, "hidden" in Geometry);
function tagged() {} namespace tagged { export const tag = "t"; }
console.log(tagged.tag);
declare namespace Ambient { const never: number; }
