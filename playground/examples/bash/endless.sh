# Ends at its time limit, or when you press Stop.
while :; do
  echo "tick $((++tick))"
  sleep 0.25
done
