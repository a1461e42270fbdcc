exec 3>out.txt 4<<<"from here"
echo three >&3; read -r line <&4; echo "$line"
exec 3>&- 4<&-
cat out.txt; { echo out; echo err >&2; } 2>&1 | sort
echo x >&7; echo "$?"
exec {fd}<out.txt; ((fd >= 10)) && echo high; cat <&$fd
