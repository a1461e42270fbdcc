printf '%5d|%-5s|%05.1f|%x|%o|%c|%%|%q|%b\n' 42 ab 3.14159 255 8 xyz "a b'c" 'a\tb'
printf '%s-%s\n' a b c
printf '%(%Y)T\n' 0; printf -v v '%3d' 7; echo "[$v]"
printf '%d\n' abc; echo "$?"
echo -e 'a\nb\c'; echo; echo -n x; echo -E 'a\n'
