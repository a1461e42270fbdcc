echo "$-"; set -o | grep on$; shopt | grep on$; history; alias; echo "${HISTFILE-none}"
alias x='echo aliased'; x
shopt -s expand_aliases
alias y='echo aliased'
y
