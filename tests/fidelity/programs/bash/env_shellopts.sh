echo "$-"
false
echo not reached
