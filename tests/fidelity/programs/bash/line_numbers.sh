echo $LINENO


f() {
  echo $LINENO
  no_such
}
f
echo "$LINENO ${BASH_SOURCE[0]}"; eval 'no_such_either'
