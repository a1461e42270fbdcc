echo ok
echo ${x!}
echo not reached
