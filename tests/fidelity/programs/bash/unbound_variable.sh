set -u
echo "${x-fine}"
echo "$x"
echo never
