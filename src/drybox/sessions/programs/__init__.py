"""What runs in an open session: kernels, cells, commands, processes."""
