const log: string[] = [];
setTimeout(() => log.push("timeout"), 0);
setImmediate((): void => { log.push("immediate"); });
process.nextTick(() => log.push("tick"));
Promise.resolve().then(() => log.push("micro"));
queueMicrotask(() => log.push("queued"));
process.on("exit", (code: number): void => console.log(log.slice(0, 3).join(" "), log.length, code));
