# Pins down SIGUSR1 raised by a thread ending the whole program, atexit handlers and all.
import atexit
import signal
import threading

atexit.register(print, "never printed")
print("starting a thread", flush=True)
thread = threading.Thread(target=signal.raise_signal, args=(signal.SIGUSR1,))
thread.start()
thread.join()
print("never printed", flush=True)
