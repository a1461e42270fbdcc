"""The parts of the build hook, see ``hatch_build.py``."""
