echo before
echo $((1 / 0))
echo after
((1 % 0))
echo "$?"
