trap 'echo "bye $?"' EXIT
exit 255
