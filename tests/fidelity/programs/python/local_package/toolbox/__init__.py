from .sub import words

VERSION = (1, 2)
__all__ = ["VERSION", "words"]
