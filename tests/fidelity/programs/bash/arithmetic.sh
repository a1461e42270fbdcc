echo $((7 / 2)) $((-7 % 3)) $((2 ** 62)) $((0x1f + 010 + 2#101)) $((1 << 40)) $((~5)) $((3 > 2 ? 10 : 20))
((x = 5, x++, x *= 3)); echo $x
let y=x+2; echo $y
declare -i z="x * 2"; echo $z
echo $((9223372036854775807 + 1))
for ((i = 0, j = 10; i < j; i += 3, j--)); do echo -n "$i,$j "; done; echo
