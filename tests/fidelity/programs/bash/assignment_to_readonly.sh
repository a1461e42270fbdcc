readonly x=1
echo $x
x=2
echo "$?"
unset x
echo "end $?"
