# Type into the line below the output while this runs.
printf 'What is your name? '
read -r name
printf 'How often shall I greet you, %s? ' "$name"
read -r count

for ((n = 1; n <= count && n <= 10; n++)); do
  echo "$n. Hello, $name!"
done
