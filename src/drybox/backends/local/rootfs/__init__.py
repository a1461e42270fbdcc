"""What a local sandbox sees: its file system, toolchain and packages."""
