# Pins down that the variables of the case reach the program and its children unchanged.
import os
import subprocess
import sys

for name in ("EMPTY", "SPACES", "UNICODE", "LINES", "EQUALS", "lower_name", "ABSENT"):
    print(name, ascii(os.environ.get(name)))
print(os.environb[b"UNICODE"])
print(subprocess.run(["sh", "-c", 'printf "[%s]" "$SPACES" "$LINES" "$UNICODE" "$EXTRA"'], env={**os.environ, "EXTRA": "1"}, capture_output=True).stdout)
print(subprocess.run([sys.executable, "-c", "print(hash('fixed seed'))"], capture_output=True).stdout)
os.unsetenv("SPACES")
del os.environ["EMPTY"]
print(subprocess.run(["sh", "-c", "echo ${SPACES-unset} ${EMPTY-unset}"], capture_output=True, text=True).stdout)
