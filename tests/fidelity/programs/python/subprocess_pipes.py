# Pins down subprocesses: pipelines, stdin and stderr, cwd, env, large input, a missing program.
import os
import subprocess
import sys

run = subprocess.run
print(run(["echo", "héllo", "", "a b"], capture_output=True).stdout)
print(run("cat | tr a-z A-Z | rev", shell=True, input="pipeline\n", text=True, capture_output=True).stdout, end="")
big = os.urandom(16).hex().encode() * 8000
print(run(["cat"], input=big, capture_output=True).stdout == big)
done = run(["sh", "-c", "echo out; echo err >&2; echo $0 $# $1; exit 9", "zero", "one two"], capture_output=True, text=True)
print(done.returncode, repr(done.stdout), repr(done.stderr))
print(run(["sh", "-c", "pwd; echo $ONLY"], cwd="/usr/bin", env={"ONLY": "this"}, capture_output=True).stdout)
producer = subprocess.Popen(["printf", "b\\na\\nc\\n"], stdout=subprocess.PIPE)
print(subprocess.check_output(["sort"], stdin=producer.stdout, text=True).split(), producer.wait())
sys.stdout.flush()
run(["sh", "-c", "echo straight to our stdout; echo and stderr >&2; cat"])
for command in (["./no-such-program"], ["/"]):
    try:
        run(command)
    except OSError as error:
        print(type(error).__name__, error.errno)
subprocess.check_call(["false"])
