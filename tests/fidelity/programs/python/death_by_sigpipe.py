# Pins down BrokenPipeError while SIGPIPE is ignored, then death by SIGPIPE once it is not.
import os
import signal

reader, writer = os.pipe()
os.close(reader)
try:
    os.write(writer, b"x")
except BrokenPipeError as error:
    print("caught", error, flush=True)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.write(writer, b"x")
print("never printed", flush=True)
