read -rt 0.01 x </dev/zero; echo "$((${#x} == 0))"
TIMEFORMAT=%0R; time true
sleep 0.01; echo "$((SECONDS < 60))"
