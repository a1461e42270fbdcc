# Pins down faulthandler: the stack dump of a fatal signal in a child and of a user signal here.
import faulthandler
import os
import re
import signal
import subprocess
import sys

code = """
import faulthandler, ctypes
faulthandler.enable()
def innermost(): ctypes.string_at(0)
def outer(): innermost()
outer()
"""
done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
report = re.sub(r"0x[0-9a-f]+", "0x?", done.stderr)
print(done.returncode)
print("\n".join(line for line in report.splitlines() if "<string>" in line or "Fatal" in line))
with open("dump.txt", "w+") as dump:
    faulthandler.register(signal.SIGUSR1, file=dump)
    os.kill(os.getpid(), signal.SIGUSR1)
    print(re.sub(r"0x[0-9a-f]+( \[.*\])?", "0x?", open("dump.txt").read()))
os.remove("dump.txt")  # it has an address in it
