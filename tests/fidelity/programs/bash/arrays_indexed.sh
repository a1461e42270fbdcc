list=(a "b c" d [7]=h)
list+=(i)
echo "${#list[@]} ${!list[@]} ${list[-1]} ${list[@]:1:2}"
echo "${list[@]/a/A}" "${list[@]^^}"
unset 'list[1]'
printf '[%s]' "${list[@]}"; echo
copy=("${list[@]}"); echo "${#copy[@]}"
IFS=,; echo "${copy[*]}"
