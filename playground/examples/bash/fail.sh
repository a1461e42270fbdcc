# What goes to stderr is marked; the exit code is told as it is.
echo "This line goes to stdout."
printf '\e[1;33mWarning:\e[0m this goes to stderr.\n' >&2
echo "And this one to stdout again."
exit 3
