no_such_command a b
echo "$?"
./nothing.sh
echo "$?"
/tmp
echo "$?"
: >f; ./f
echo "$?"
