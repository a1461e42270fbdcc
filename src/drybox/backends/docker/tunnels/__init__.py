"""Ways to a Docker daemon on another machine."""
