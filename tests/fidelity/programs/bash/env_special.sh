echo "$TZ|$(date -d @0 +%H:%M)|$IFS|$PS4|${POSIXLY_CORRECT-no}"
set -x
: traced
