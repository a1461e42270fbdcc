"""Waits for a job while the interpreter starts, which then goes on as in a plain start.

Python imports this module, if it exists, before it opens the program. It takes its own files
away, waits, and ends as an import of a module that does not exist: nothing is left of it.
"""

import gc
import os
import sys


def _leave() -> None:
    """Remove this file, its cache and the folders that were made for it."""
    place = os.path.dirname(__file__)
    sys.path.remove(place)
    sys.path_importer_cache.pop(place, None)
    cache = f"{place}/__pycache__"
    for file in [f"{cache}/{name}" for name in os.listdir(cache)] if os.path.isdir(cache) else ():
        os.unlink(file)
    os.unlink(__file__)
    for folder in (cache, place, *(place.rsplit("/", level)[0] for level in (1, 2, 3))):
        if os.path.isdir(folder):
            os.rmdir(folder)


def _read_job() -> bytes:
    """What comes over the socket: a length and so many bytes."""
    data, size = b"", 4
    while len(data) < size:
        piece = os.read(100, 4096)
        if not piece:
            os._exit(1)
        data += piece
        size = 4 + int.from_bytes(data[:4], "little")
    return data[4:]


def _take_job() -> None:
    before = dict(os.environ) if _preload is None else _preload.env
    usual = _job(sys.orig_argv, [f"{name}={value}" for name, value in before.items()])
    os.write(100, b"W")
    data = _read_job()
    os.close(100)
    if data == usual and _preload is None:
        return
    words = os.fsdecode(data[8:]).split("\0")
    count = int.from_bytes(data[:4], "little")
    if _preload is not None and _preload.is_hidden_by(os.path.dirname(words[1])):
        os.execve(
            sys.executable, words[:count], dict(word.split("=", 1) for word in words[count:-1])
        )
    sys.orig_argv[:] = words[:count]
    sys.argv[:] = words[1:count]
    env = dict(word.split("=", 1) for word in words[count:-1])
    for name in before.keys() - env.keys():
        os.environ.pop(name, None)
    for name, value in env.items():
        if before.get(name) != value:
            os.environ[name] = value


def _job(argv: list[str], env: list[str]) -> bytes:
    """What the host sends for these, as frames.py spells it."""
    counts = [len(words).to_bytes(4, "little") for words in (argv, env)]
    return b"".join([*counts, *(os.fsencode(word) + b"\0" for word in [*argv, *env])])


def _find_template():  # type: ignore[no-untyped-def]  # typing would be loaded
    """The module that makes this process a template, if it is to be one."""
    try:
        os.fstat(101)
    except OSError:
        return None
    import _drybox_template  # type: ignore[import-not-found]

    del sys.modules["_drybox_template"]
    os.unlink(_drybox_template.__file__)
    return _drybox_template


def _load_ahead():  # type: ignore[no-untyped-def]
    """What a template has imported ahead, if it is to."""
    place = os.path.dirname(__file__)
    listed = f"{place}/_drybox_preload.txt"
    if not os.path.exists(listed):
        return None
    import _drybox_preload  # type: ignore[import-not-found]

    with open(listed) as file:
        names = file.read().split()
    os.unlink(_drybox_preload.__file__)
    os.unlink(listed)
    preload = _drybox_preload.Preload()
    del sys.modules["_drybox_preload"]
    preload.lighten()
    problem = preload.load(names)
    if problem:
        os.write(2, f"{problem}\n".encode())
        os._exit(1)
    return preload


def _lighten() -> None:
    """Spare the interpreter's end, half of a short run, what the program does not need.

    What exists is kept out of the collections, and is held by a knot of its own that nobody
    unties, the types' names too, so that nothing is taken apart while the process goes anyway.
    Once a program imports module ``gc``, everything is as it ever was. Else it can tell by counts
    of references, and by what it hangs on such a function or class: that is not finalized, which
    Python does not promise of what exists at the end. What becomes the program's own module must
    not exist yet, for it dies with all that it holds.
    """
    unfreeze = gc.unfreeze
    knot: list[object] = []
    plain = (str, tuple, frozenset, type(len))
    for name, module in list(sys.modules.items()):
        if name in ("sys", "builtins"):  # the rest of these is what the end is about
            knot += [value for value in vars(module).values() if isinstance(value, plain)]
        elif name not in ("__main__", __name__):
            knot += vars(module).values()
    types: list[type] = [object]
    for kind in types:  # and what comes to be listed meanwhile
        knot.append(vars(kind))
        types += type.__subclasses__(kind)
    knot += [types, knot]

    def watch(event: str, details: tuple[object, ...]) -> None:
        if event == "import" and details[0] == "gc":
            knot.clear()
            unfreeze()

    sys.addaudithook(watch)
    del sys.modules["gc"]
    gc.freeze()
    old = vars(sys.modules["__main__"])
    main = sys.modules["__main__"] = type(sys)("__main__")
    names = vars(main)
    names.clear()
    names.update({name: {} if value == {} else value for name, value in old.items()})


_template = _find_template()  # type: ignore[no-untyped-call]  # before its file is removed
_preload = None if _template is None else _load_ahead()  # type: ignore[no-untyped-call]
_leave()
_lighten()
if _template is not None:
    os.write(100, b"W")
    os.close(100)
    _template.serve()  # returns in its children alone
    if _preload is not None:
        _preload.renew()
_take_job()
raise ImportError(name=__name__)
