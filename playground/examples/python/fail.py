# What goes to stderr is marked; the exit code is told as it is.
import sys

print("This line goes to stdout.", flush=True)
sys.stderr.write("\x1b[1;33mWarning:\x1b[0m this goes to stderr.\n")
print("And this one to stdout again.")
sys.exit(3)
