trap 'echo "exit $?"' EXIT
trap 'echo "err line $LINENO"' ERR
trap 'echo usr1' USR1
trap 'echo ignored' INT; trap
false
kill -USR1 $$
f() { trap 'echo return' RETURN; :; }; f
(trap 'echo sub' EXIT; :)
trap - USR1
kill -USR1 $$
