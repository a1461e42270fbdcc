#!/bin/sh
# The guest's side of vm.py: unpack the second disk (a tar), run its job, report over the serial ports.
# ttyS0 console, ttyS1 the job's stdout, ttyS2 its stderr, ttyS3 its exit code.
set -eu
for port in 1 2 3; do stty -F "/dev/ttyS$port" raw -echo; done
tar -xf /dev/nvme0n2 -C / --warning=no-timestamp
user=$(cat /job/user)
place=$(cat /job/place)

# The job gets pipes, not terminals.
mkfifo -m 666 /run/job.out /run/job.err
cat /run/job.out >/dev/ttyS1 &
out=$!
cat /run/job.err >/dev/ttyS2 &
err=$!

job() {
    case "$place-$user" in
    delegated-root)
        cd /root
        env -u SYSTEMD_EXEC_PID HOME=/root USER=root LOGNAME=root SHELL=/bin/bash \
            systemd-run --quiet --scope --property=Delegate=yes -- /bin/bash /job/command
        ;;
    delegated-*)
        # Through a login session: that starts the user's own systemd, and sets XDG_RUNTIME_DIR and the bus's address.
        runuser --login "$user" --command \
            'exec systemd-run --user --quiet --scope --property=Delegate=yes -- /bin/bash /job/command'
        ;;
    *)
        runuser --login "$user" --command 'exec /bin/bash /job/command'
        ;;
    esac
}

code=0
(job) </dev/null >/run/job.out 2>/run/job.err || code=$?
# What the job left running may hold its stdout open: give that five seconds, then report all the same.
(sleep 5 && kill "$out" "$err") >/dev/null 2>&1 &
wait "$out" "$err" || true
echo "$code" >/dev/ttyS3
