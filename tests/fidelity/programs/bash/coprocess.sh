coproc upper { while read -r line; do echo "${line^^}"; done; }
echo hello >&"${upper[1]}"
read -r answer <&"${upper[0]}"; echo "$answer"
exec {upper[1]}>&-
wait; echo "done"
