(sleep 0.05; exit 3) &
first=$!
(exit 4) & second=$!
wait $first; echo $?
wait $second; echo $?
sleep 0.01 & wait; echo "all $?"
wait 99999; echo $?
for n in 3 1 2; do (sleep 0.0$n; echo $n) & done | sort
