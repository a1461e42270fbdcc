seq 5 | tail -n 2 | tr '\n' ' '; echo "${PIPESTATUS[@]}"
false | true | (exit 3); echo "${PIPESTATUS[@]} $?"
yes | head -n 1; echo "${PIPESTATUS[@]}"
seq 3 | while read -r n; do total=$((total + n)); done; echo "${total-lost}"
shopt -s lastpipe; seq 3 | while read -r n; do total=$((total + n)); done; echo "$total"
paste -d+ <(seq 3) <(seq 4); tee >(cat >copy) <<<x >/dev/null; sleep 0.2; cat copy
