"""The fleet on Ray: a cluster of three nodes on this machine."""
