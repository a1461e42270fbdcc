"""The short way to the replica on a front door's own machine: a socket, without Ray in between."""
