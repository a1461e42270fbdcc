x=global
inner() { echo "inner sees $x"; x=changed; }
outer() { local x=local; inner; echo "outer $x"; }
outer; echo "$x"
fact() { (($1 < 2)) && { echo 1; return; }; echo $(($1 * $(fact $(($1 - 1))))); }
fact 12
ref() { local -n target=$1; target+=" more"; }
text=some; ref text; echo "$text"
echo "${FUNCNAME[@]}"; where() { echo "${FUNCNAME[@]} ${BASH_LINENO[0]}"; caller; }; where
