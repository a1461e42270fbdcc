echo "${BASH_ARGC[@]}:${BASH_ARGV[@]}"
show() { echo "${#BASH_ARGV[@]}"; }
show x
