# Pins down every exit code a child can hand to its parent, and 137 as a plain own exit code.
import subprocess
import sys

for code in (0, 1, 2, 3, 42, 100, 126, 127, 128, 129, 137, 139, 143, 254, 255, 256, 300):
    done = subprocess.run(["sh", "-c", f"exit {code}"])
    print(code, "->", done.returncode)
print(subprocess.run(["sh", "-c", "no-such-command-here"], capture_output=True).returncode)
print(subprocess.run(["sh", "-c", "./main.py"], stderr=subprocess.DEVNULL).returncode)
sys.exit(137)
