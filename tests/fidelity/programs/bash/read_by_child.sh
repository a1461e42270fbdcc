head -c 4; read -r rest; echo "|$rest"; cat | rev
