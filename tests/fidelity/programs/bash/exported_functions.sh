greet() { echo "hello $1 from $FUNCNAME"; }
export -f greet
bash -c 'greet child'
declare -F; type greet | head -2
