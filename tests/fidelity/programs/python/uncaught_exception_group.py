# Pins down the tree printed for an uncaught ExceptionGroup with a nested group.
def made(kind, *args):
    try:
        raise kind(*args)
    except kind as error:
        return error


inner = ExceptionGroup("inner", [made(TypeError, "wrong type"), OSError(2, "No such thing", "a.txt")])
try:
    raise ExceptionGroup("outer", [made(ValueError, 7), inner, made(KeyError, "k")])
except* KeyError as group:
    print("caught", [repr(e) for e in group.exceptions])
