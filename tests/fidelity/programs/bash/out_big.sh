for ((i = 0; i < 60000; i++)); do printf '%08d\n' $i; done
