# Pins down that caught signals run their handlers and the program goes on to exit code 3.
import os
import signal
import sys

seen = []
names = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGWINCH", "SIGCONT"]
for name in names:
    signal.signal(getattr(signal, name), lambda number, frame: seen.append(signal.Signals(number).name))
    os.kill(os.getpid(), getattr(signal, name))
print(*seen)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
os.kill(os.getpid(), signal.SIGUSR1)
print("pending", [s.name for s in signal.sigpending()])
print("waited for", signal.sigwait({signal.SIGUSR1}).name)
signal.signal(signal.SIGUSR2, lambda number, frame: sys.exit(3))
signal.raise_signal(signal.SIGUSR2)
print("never printed")
