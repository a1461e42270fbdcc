declare -A colours=([red]=1 [green]=2 ["with space"]=3)
colours[blue]=4
for key in $(printf '%s\n' "${!colours[@]}" | sort); do echo "$key"; done
echo "${colours["with space"]} ${#colours[@]} ${colours[none]-unset}"
unset 'colours[red]'
[[ -v colours[red] ]] || echo gone
declare -p colours | wc -c
