# Pins down how custom exception classes are reported: qualified name, __str__, a failing __str__.
import sys
import traceback


class Outer:
    class Problem(Exception):
        def __str__(self):
            return f"problem with {self.args!r}"


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text for you")


for error in (Outer.Problem(1, "zwei"), Unprintable("x"), Exception(), SystemError("")):
    print(traceback.format_exception_only(type(error), error))

sys.excepthook = lambda kind, value, tb: print("hook saw:", kind.__qualname__, value, tb.tb_lineno, file=sys.stderr)
raise Outer.Problem("last")
