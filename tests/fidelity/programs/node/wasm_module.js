// Pins down WebAssembly: a hand-made module with memory, a call, growth and an out-of-bounds trap.
const code = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 12, 2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f, // types: (i32 i32)->i32, (i32)->i32
  3, 4, 3, 0, 1, 0, // three functions
  5, 4, 1, 1, 1, 3, // memory of 1 to 3 pages
  7, 26, 4, 3, 0x61, 0x64, 0x64, 0, 0, 4, 0x70, 0x65, 0x65, 0x6b, 0, 1, 3, 0x64, 0x69, 0x76, 0, 2, 3, 0x6d, 0x65, 0x6d, 2, 0,
  10, 25, 3, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b, // add
  7, 0, 0x20, 0, 0x28, 2, 0, 0x0b, // peek
  7, 0, 0x20, 0, 0x20, 1, 0x6d, 0x0b, // div
]);
console.log(WebAssembly.validate(code));
const { add, peek, div, mem } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
console.log(add(40, 2), add(2 ** 31 - 1, 1), div(-7, 2));
new DataView(mem.buffer).setInt32(8, 12345, true);
console.log(peek(8), mem.buffer.byteLength, mem.grow(2), mem.buffer.byteLength, peek(131072));
for (const trap of [() => div(1, 0), () => peek(196605), () => peek(-4), () => mem.grow(1)]) {
  try {
    console.log(trap());
  } catch (error) {
    console.log(error.name, error.message);
  }
}
WebAssembly.instantiate(code).then(({ instance }) => instance.exports.peek(2 ** 30));
