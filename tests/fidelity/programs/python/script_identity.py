# Pins down how a program sees itself: argv[0], __file__, __name__, sys.path[0], its own source.
import os
import sys

print(sys.argv, __name__, __package__, __spec__, __doc__)
print(__file__)
print(os.path.basename(__file__), os.path.samefile(sys.argv[0], __file__))
print(os.path.realpath(sys.path[0] or ".") == os.path.realpath(os.getcwd()))
print(sys.modules["__main__"].__dict__ is globals(), sorted(name for name in globals() if name[:2] == "__"))
with open(__file__) as source:
    print(source.readline(), end="")
print(sys._getframe().f_code.co_filename == __file__, sys._getframe().f_code.co_name)
