echo last
grep -q nothing /dev/null
