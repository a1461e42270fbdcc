# Takes memory until the limit ends it. The host does not notice.
printf -v block '%*s' $((8 << 20)) ''
while :; do
  taken+=("$block")
  echo "$((${#taken[@]} * 8)) MiB"
done
