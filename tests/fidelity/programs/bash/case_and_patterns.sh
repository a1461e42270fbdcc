for word in apple 42 x.txt "" "a b" -; do
  case $word in
    [0-9]*) echo number ;;
    *.txt) echo file ;;&
    a*) echo starts with a ;;
    "") echo empty ;;
    -) echo dash ;& 
    zzz) echo falls ;;
    *) echo other ;;
  esac
done
[[ "foobar" == foo* && "x" != y ]] && echo yes
[[ "ab12" =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[@]}"
