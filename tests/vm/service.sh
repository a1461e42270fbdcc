#!/bin/sh
# What a server under the systemd unit has to do, in the guest of the job; run by test_service.py.
set -eux
trap "cat /run/drybox.log >&2; systemctl status --no-pager -l drybox.service >&2 || :" EXIT
mkdir -p /opt/drybox/bin
printf '#!/bin/sh\nPYTHONPATH=/repo/src:/site exec python3 -m drybox "$@"\n' >/opt/drybox/bin/drybox
chmod 755 /opt/drybox/bin/drybox
cp /repo/deploy/systemd/drybox.service /etc/systemd/system/
# The guest keeps no journal.
mkdir -p /etc/systemd/system/drybox.service.d
printf "[Service]\nStandardError=file:/run/drybox.log\n" >/etc/systemd/system/drybox.service.d/log.conf
systemctl daemon-reload
systemctl start drybox.service
cat >/tmp/ask.py <<'EOF'
import json, sys, time, urllib.error, urllib.request
def ask(path, body=None, timeout=120):
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request("http://127.0.0.1:8080" + path, data, kind)
    try:
        return json.load(urllib.request.urlopen(request, timeout=timeout))
    except urllib.error.HTTPError as error:
        if error.code == 503:  # nothing ran; an emulated processor may be too slow for once
            return None
        sys.exit(error.read().decode())
for _ in range(600):
    try:
        ask("/readyz"); break
    except OSError:
        time.sleep(0.1)
request = {"language": "python", "code": sys.argv[1], "limits": {"memory": sys.argv[2]}}
for _ in range(5):
    result = ask("/v1/execute", {**request, "timeout": 60, "isolation": "local"})
    if result:
        break
print(result["status"], result["weakened"], result["stdout"], result["stderr"][-2000:])
print(result["error"], file=sys.stderr)
EOF
ask() { python3 /tmp/ask.py "$@"; }

# A '!' before a command would be no reason for the shell to stop.
none() {
    if sh -c "$1"; then exit 1; fi
}

# It runs programs, gives nothing up, and its limits hold.
ask 'print(6 * 7)' 256MiB | grep -q '^success \[\] 42'
ask 'bytearray(10**9)' 64MiB | grep -q '^memory_limit \[\]'
ask 'import os
children = 0
try:
    while True:
        if os.fork() == 0:
            import time; time.sleep(60)
        children += 1
except OSError:
    print("no more than", children < 64)' 256MiB | grep -q '^success \[\] no more than True'

# Nobody but a user of its own, without a capability.
pid=$(systemctl show --value -p MainPID drybox.service)
test "$(stat -c %u /proc/$pid)" -ge 61184
grep -q '^CapBnd:.0000000000000000$' /proc/$pid/status
grep -q '^NoNewPrivs:.1$' /proc/$pid/status

# Its sandboxes are below it, where the service's own limits bound them together.
cgroup=/sys/fs/cgroup/system.slice/drybox.service
grep -qx "$pid" $cgroup/server/cgroup.procs
find $cgroup -path '*/drybox-*' -name memory.max | grep -q .
none "find /sys/fs/cgroup -name 'drybox-*' -not -path '$cgroup/*' | grep ."
echo all is well
