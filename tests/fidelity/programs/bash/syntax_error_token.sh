echo a; ;; echo b
