# Pins down the signal state a program starts with: which are ignored, blocked or pending.
import signal

for number in sorted(signal.valid_signals()):
    if number in (signal.SIGKILL, signal.SIGSTOP):
        continue
    handler = signal.getsignal(number)
    if handler is not signal.SIG_DFL:
        print(number, getattr(handler, "name", None) or handler.__name__)
print("blocked", signal.pthread_sigmask(signal.SIG_BLOCK, []))
print("pending", signal.sigpending())
