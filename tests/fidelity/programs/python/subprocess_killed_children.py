# Pins down how killed children look to their parent, through a shell and directly.
import os
import signal
import subprocess
import sys

for name in ("SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", "SIGABRT", "SIGUSR1", "SIGHUP", "SIGPIPE"):
    done = subprocess.run(["sh", "-c", f"kill -{name[3:]} $$; echo survived"], capture_output=True)
    print(name, done.returncode, done.stdout)
print(subprocess.run(["sh", "-c", "sh -c 'kill -9 $$'; echo $?"], capture_output=True).stdout)
sleeper = subprocess.Popen(["sleep", "10"])
sleeper.terminate()
print(sleeper.wait(), sleeper.poll())
try:
    subprocess.run(["sleep", "10"], timeout=0.05)
except subprocess.TimeoutExpired as error:
    print("timed out:", error.cmd, error.timeout > 0)
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(6)
print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
os.kill(pid, signal.SIGCONT)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
sys.exit(139)
