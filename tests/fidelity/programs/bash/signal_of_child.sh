exec 2>/dev/null # Bash tells the ends of its children with their numbers
bash -c 'kill -ABRT $$'; echo "$?"
sleep 5 & kill $!; wait $!; echo "$?"
(kill -PIPE $BASHPID); echo "$?"
