class Tree<T> implements Iterable<T> {
  constructor(private value: T, private left?: Tree<T>, private right?: Tree<T>) {}
  *[Symbol.iterator](): IterableIterator<T> {
    if (this.left) yield* this.left;
    yield this.value;
    if (this.right) yield* this.right;
  }
}
console.log([...new Tree(2, new Tree(1), new Tree(3))]);
function* fibonacci(): Generator<bigint> { let [a, b] = [0n, 1n]; for (;;) { yield a; [a, b] = [b, a + b]; } }
for (const n of fibonacci()) { if (n > 1000n) { console.log(n); break; } }
