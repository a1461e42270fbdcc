# Pins down cleanup: generator throw and close, __del__, cycles, weak references, end of the program.
import gc
import sys
import weakref


def counting():
    try:
        while True:
            try:
                yield 1
            except KeyError:
                yield "handled"
    finally:
        print("generator closed")


class Node:
    def __init__(self, name):
        self.name, self.ring = name, self

    def __del__(self):
        print("del", self.name)
        if self.name == "bad":
            raise RuntimeError("in __del__")


g = counting()
print(next(g), g.throw(KeyError), next(g))
del g
node, seen = Node("cycle"), []
watch = weakref.ref(node, lambda ref: seen.append("callback"))
del node
print(gc.collect() > 0, watch(), seen)
sys.unraisablehook = lambda info: print("unraisable:", info.exc_type.__name__, info.exc_value, file=sys.stderr)
Node("bad").ring = None
survivor = Node("at exit")
survivor.ring = None
print("end")
