import { writeSync } from "fs";
writeSync(1, "before\n");
process.kill(process.pid, "SIGTERM" as NodeJS.Signals);
setInterval((): void => {}, 1000);
