"""The images of containers: found, built, stored."""
