echo before
kill -SEGV $$
echo never
