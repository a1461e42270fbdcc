from .store import lookup


def total(names):
    return sum(lookup(name) for name in names)
