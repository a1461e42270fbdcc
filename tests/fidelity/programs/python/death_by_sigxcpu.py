# Pins down SIGXCPU: caught by a handler first, then deadly with the default action.
import os
import signal

signal.signal(signal.SIGXCPU, lambda number, frame: print("caught", signal.Signals(number).name, flush=True))
os.kill(os.getpid(), signal.SIGXCPU)
signal.signal(signal.SIGXCPU, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGXCPU)
print("never printed", flush=True)
