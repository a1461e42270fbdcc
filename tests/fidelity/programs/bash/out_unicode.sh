s='日本語 é 🙂'; echo "$s ${#s} ${s:0:2}"; printf '%-6s|%5s|\n' é x
echo "$s" | tr a-z A-Z; printf '%s\n' z é a | sort; printf '\u65e5\U1f642\n'
