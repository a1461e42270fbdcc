echo before; kill -KILL $BASHPID
