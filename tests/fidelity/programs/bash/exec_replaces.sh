echo before
exec sh -c 'echo "now $0 $1"; exit 9' name arg
echo never
