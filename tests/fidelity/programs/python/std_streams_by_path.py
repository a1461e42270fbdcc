# Pins down opening the standard streams by name: /dev/stdin, /dev/stdout, /dev/fd, /proc/self/fd.
import subprocess

with open("/dev/stdin") as stdin:
    print("read", stdin.readlines(), flush=True)
with open("/dev/stdout", "w") as stdout:
    stdout.write("through /dev/stdout\n")
with open("/dev/stderr", "w") as stderr:
    stderr.write("through /dev/stderr\n")
with open("/proc/self/fd/1", "a") as stdout:
    stdout.write("through /proc/self/fd/1\n")
subprocess.run("echo from a shell >/dev/stderr; echo piped | cat /dev/fd/0; echo teed | tee /dev/stdout", shell=True, check=True)
