echo "$GREETING|$EMPTY|${MISSING-none}|$LINES_OF_IT"
export ADDED=1; bash -c 'echo "$ADDED $GREETING"'
env -i bash -c 'echo "${GREETING-gone}"'
GREETING=other bash -c 'echo $GREETING'; echo "$GREETING"
unset GREETING; bash -c 'echo "${GREETING-unset}"'
