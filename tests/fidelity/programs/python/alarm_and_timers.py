# Pins down interval timers, a CPU-time timer, an exception out of a handler, and death by SIGALRM.
import signal
import time

ticks = []
signal.signal(signal.SIGALRM, lambda number, frame: ticks.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while len(ticks) < 3:
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print("three ticks", signal.getitimer(signal.ITIMER_REAL))


def burnt(number, frame):
    raise TimeoutError(signal.Signals(number).name)


signal.signal(signal.SIGVTALRM, burnt)
signal.setitimer(signal.ITIMER_VIRTUAL, 0.02)
try:
    while True:
        pass
except TimeoutError as error:
    print("timed out by", error, flush=True)
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_REAL, 0.02)
time.sleep(5)
print("never printed", flush=True)
