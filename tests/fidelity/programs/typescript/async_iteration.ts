async function* ticks(count: number): AsyncGenerator<number, string, void> {
  for (let i = 0; i < count; i++) { await null; yield i; }
  return "done";
}
async function main(): Promise<void> {
  let sum = 0;
  for await (const tick of ticks(5)) sum += tick;
  console.log(sum);
  const results = await Promise.allSettled([Promise.resolve(1), Promise.reject(new Error("no"))]);
  for (const result of results) console.log(result.status);
}
main().finally(() => console.log("finally"));
