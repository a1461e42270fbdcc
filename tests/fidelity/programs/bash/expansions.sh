v='path/to/File.tar.gz'
echo "${v##*/}|${v%.*}|${v%%.*}|${v#*/}|${#v}|${v:5:2}|${v: -2}"
echo "${v/t/T}|${v//t/T}|${v/#path/x}|${v/%gz/x}|${v^}|${v^^[a-f]}|${v,,}"
echo "${u:-default}|${u-d}|${u:+set}|${u:=assigned}|$u"
w="two words"; printf '<%s>' $w "$w"; echo
echo "${v@Q} ${w@U} ${!u@}"
indirect=w; echo "${!indirect}"
echo $'tab\there\x41\u00e9' ~ "~"
