list="a:b::c"; IFS=:; for w in $list; do printf '<%s>' "$w"; done; echo
set -- $list; echo $#; IFS=$' \t\n'
text=$(printf 'a\n\nb\n\n\n'); printf '[%s]\n' "$text"
set -f; echo *; set +f; echo "$(echo "nested "quotes" in")"
echo `echo back\`echo tick\`s`
