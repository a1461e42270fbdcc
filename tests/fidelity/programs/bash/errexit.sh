set -euo pipefail
f() { false; echo "in f"; }
if f; then echo condition; fi
false || echo rescued
x=$(echo sub; true); echo "$x"
false | true
echo not reached
