"""The API of Piston's version 2."""
