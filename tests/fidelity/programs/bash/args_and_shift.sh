echo "$# $0"
for word in "$@"; do printf '<%s>' "$word"; done; echo
shift 2
echo "$1|$*|$#"
set -- one "two three"
echo "$@" ${#@}
