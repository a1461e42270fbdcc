// Pins down that caught signals run their listeners and the program goes on to exit code 143.
const names = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGINT', 'SIGQUIT', 'SIGALRM', 'SIGWINCH', 'SIGPIPE'];

function next() {
  const name = names.shift();
  if (!name) return void process.exit(143);
  process.once(name, (text, number) => {
    console.log('caught', text, number);
    next();
  });
  process.kill(process.pid, name);
}

const keep = setInterval(() => {}, 1000);
console.log(process.kill(process.pid, 0), keep.hasRef());
try {
  process.kill(process.pid, 'SIGNOSUCH');
} catch (error) {
  console.log(error.code);
}
next();
