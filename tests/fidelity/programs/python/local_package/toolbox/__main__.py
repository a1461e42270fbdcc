import sys

from .sub.words import count

RESULT = count(" ".join(sys.argv[1:]))
print("running as", __name__, __package__)
