// Takes memory until the limit ends it. The host does not notice.
const taken: Buffer[] = [];
for (;;) {
  taken.push(Buffer.alloc(8 * 1024 * 1024, 1));
  console.log(taken.length * 8, "MiB");
}
