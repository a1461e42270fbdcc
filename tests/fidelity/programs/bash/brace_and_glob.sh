touch a1 a2 b1 .hidden 'sp ace'
echo {a,b}{1..3} {1..10..3} {z..w} {01..03}
echo * ; echo a?; echo [!a]*; echo none*
shopt -s nullglob dotglob; echo none* .h*; echo *
shopt -s extglob; echo !(a*) ; echo @(a|b)1
rm -- *
