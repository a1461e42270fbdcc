# Pins down process relations: sessions, groups, killing a group, zombies, ECHILD, double fork.
import os
import signal
import subprocess

reader, writer = os.pipe()
leader = subprocess.Popen(["sh", "-c", "sleep 10 & sleep 10 & echo ready; wait"], stdout=subprocess.PIPE, start_new_session=True)
leader.stdout.readline()
print(os.getpgid(leader.pid) == leader.pid == os.getsid(leader.pid), os.getpgid(0) != leader.pid)
os.killpg(leader.pid, signal.SIGTERM)
print(leader.wait(), leader.stdout.read())
child = os.fork()
if child == 0:
    if os.fork() == 0:
        os.close(reader)
        while os.getppid() == child:
            pass
        os.write(writer, b"grandchild outlived its parent")
    os._exit(0)
os.close(writer)
print(os.waitpid(child, 0)[1], os.read(reader, 100))
try:
    os.waitpid(-1, 0)
except ChildProcessError as error:
    print(error)
try:
    os.kill(child, 0)
except ProcessLookupError as error:
    print(error)
