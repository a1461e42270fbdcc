#!/bin/bash
# What the job promises, checked from inside the guest, in the delegated place, as whoever runs it:
#   python tests/vm/vm.py run --user tester -- "$(cat tests/vm/selfcheck.sh)"
set -euo pipefail
trap 'echo "FAILED at line $LINENO: $BASH_COMMAND"' ERR

[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]
[ "$(wc -l </proc/self/cgroup)" = 1 ]
scope=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
echo "$(id -un) in $scope"
for controller in cpu memory pids; do
    grep -qw $controller /sys/fs/cgroup/cgroup.controllers
    grep -qw $controller "$scope/cgroup.controllers"
done

bwrap --unshare-all --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin \
    --proc /proc --dev /dev --tmpfs /tmp -- /bin/true
echo "ok bubblewrap"

mkdir "$scope/main" "$scope/job"
echo $$ >"$scope/main/cgroup.procs"
echo "+cpu +memory +pids" >"$scope/cgroup.subtree_control"
echo "ok subtree_control: $(cat "$scope/cgroup.subtree_control")"

inside() { bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$scope/job" "$@"; }

echo 33554432 >"$scope/job/memory.max"
code=0
inside python3 -c 'bytearray(200 << 20)' || code=$?
[ $code = 137 ]
grep -qx "oom_kill 1" "$scope/job/memory.events"
echo "ok memory.max"

echo 3 >"$scope/job/pids.max"
inside python3 - <<'END'
import subprocess
children = []
try:
    while True:
        children.append(subprocess.Popen(["sleep", "60"]))
except BlockingIOError:
    assert len(children) == 2, children
finally:
    for child in children:
        child.kill()
        child.wait()
END
echo "ok pids.max"

echo "5000 100000" >"$scope/job/cpu.max"
inside timeout 1 sh -c 'while :; do :; done' || true
[ "$(awk '$1 == "nr_throttled" { print $2 }' "$scope/job/cpu.stat")" -gt 3 ]
echo "ok cpu.max"

sleep 60 &
echo $! >"$scope/job/cgroup.procs"
echo 1 >"$scope/job/cgroup.kill"
code=0
wait $! || code=$?
[ $code = 137 ]
echo "ok cgroup.kill"
