name=world
cat <<END
Hello $name $((1 + 1)) $(echo sub) \$escaped
END
cat <<'END'
No $name here `x`
END
cat <<-END
	tabs gone
	END
cat <<<"string $name"
wc -c <<END
END
