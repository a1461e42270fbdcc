echo before
kill -TERM $$
sleep 5
echo never
