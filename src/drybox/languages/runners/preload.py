"""Imports modules ahead, in a template or to see at a build that it can be done.

A fork of a template must be like a fresh start in which the program imports these modules itself.
So this says what of their import a fork would lack, or share with its siblings: there is no
template then. As a program it takes the modules' names as arguments.
"""

import sys

BEFORE = frozenset(sys.modules)

import atexit  # noqa: E402
import gc  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import signal  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any  # noqa: E402


class _Missed:
    """Takes note of modules that were looked for and are not there: a program may bring them."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Find nothing."""
        if path is None:
            self.names.add(name)


def _shared_maps() -> list[str]:
    """Memory that is shared and can be written."""
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    return [line for line in lines if line.split()[1][1::2] == "ws"]


def _descriptors() -> set[str]:
    """Open descriptors, that of this look aside."""
    return {
        name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")
    }


class Preload:
    """What was imported ahead."""

    def __init__(self) -> None:
        self.env = dict(os.environ)
        self._missed = _Missed()
        self._names: set[str] = set()
        self._generators: list[object] = []
        self._loaded: list[tuple[str, ModuleType, frozenset[str]]] = []

    def load(self, names: list[str]) -> str:
        """Import modules.

        Args:
            names: The modules.

        Returns:
            Why there can be no template of this process, in words; "" if there can.

        Raises:
            Exception: What an import raises.
        """
        state = self._state()
        printed = os.memfd_create("printed")
        kept = os.dup(1)
        own_seed = random.Random.seed
        drawn = self._generators

        def seed(self: Any, a: Any = None, *args: Any, **words: Any) -> None:
            drawn[:] = [item for item in drawn if item is not self]
            if a is None:  # from what the system has of randomness
                drawn.append(self)
            own_seed(self, a, *args, **words)

        try:
            os.dup2(printed, 1)
            random.Random.seed = seed  # type: ignore[method-assign]
            sys.meta_path.append(self._missed)
            for name in names:
                importlib.import_module(name)
            problem = self._left(state, {str(kept), str(printed)})
        finally:
            sys.meta_path.remove(self._missed)
            random.Random.seed = own_seed  # type: ignore[method-assign]
            if sys.stdout is not None:
                sys.stdout.flush()
            os.dup2(kept, 1)
            size = os.fstat(printed).st_size
            if size:
                os.sendfile(2, printed, 0, size)
            os.close(kept)
            os.close(printed)
        self._names = {name.partition(".")[0] for name in sys.modules.keys() - BEFORE}
        self._names |= self._missed.names
        self._names.discard("__main__")
        self._loaded = [
            (name, module, frozenset(vars(module)))
            for name, module in sys.modules.items()
            if name not in BEFORE and isinstance(module, ModuleType)
        ]
        self._find_generators()
        return problem or ("its modules print while they are imported" if size else "")

    @staticmethod
    def _state() -> tuple[object, ...]:
        mask = os.umask(0)
        os.umask(mask)
        return mask, os.getcwd(), tuple(sys.path), _descriptors(), _shared_maps()

    def _left(self, before: tuple[object, ...], own: set[str]) -> str:
        """What an import has left that a fork would not have, or have in common with others."""
        gc.collect()
        threading = sys.modules.get("threading")
        if threading is not None and threading.active_count() > 1:
            return "its modules start threads"
        child = os.fork()  # some libraries end their threads before, and start them anew when used
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        if len(os.listdir("/proc/self/task")) > 1:
            return "its modules start threads"
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        else:
            return "its modules start processes"
        timers = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
        if any(signal.getitimer(timer)[0] for timer in timers):
            return "its modules set timers"
        mask, cwd, path, descriptors, maps = self._state()
        if descriptors - own != before[3]:  # type: ignore[operator]
            return "its modules leave files open"
        if maps != before[4]:
            return "its modules share memory"
        if (mask, cwd, path) != before[:3]:
            return "its modules change sys.path, the working directory or the umask"
        return ""

    def _find_generators(self) -> None:
        """NumPy's generators that were seeded with what the system has of randomness."""
        numpy = sys.modules.get("numpy.random")
        kinds = tuple(
            kind
            for kind in (getattr(numpy, name, None) for name in ("Generator", "RandomState"))
            if isinstance(kind, type)
        )
        if not kinds:
            return
        for item in gc.get_objects():
            if isinstance(item, kinds):
                bits = getattr(item, "_bit_generator", None)
                entropy = getattr(getattr(bits, "_seed_seq", None), "entropy", None)
                if isinstance(entropy, int) and entropy.bit_length() > 64:
                    self._generators.append(bits)

    def renew(self) -> None:
        """In a fork: let go of every state that would be the same in all of them."""
        for item in self._generators:
            if isinstance(item, random.Random):
                item.seed()
            else:
                item.state = type(item)().state  # type: ignore[attr-defined]
        for name, renew in (
            ("tempfile", lambda module: setattr(module, "_name_sequence", None)),
            ("_ssl", lambda module: module.RAND_add(os.urandom(32), 32.0)),
        ):
            module = sys.modules.get(name)
            if module is not None:
                renew(module)

    def lighten(self) -> None:
        """Spare the end of a fork the modules that were imported ahead: they go with the process.

        To be called before anything is imported ahead, so that it is the last to do something.
        """
        modules = sys.modules

        def drop() -> None:
            for name, module, own in self._loaded:
                names: dict[str, object] = vars(module)
                if len(names) != len(own):  # what the program has hung on it has its end
                    for added in names.keys() - own:
                        del names[added]
                if modules.get(name) is module:
                    del modules[name]

        atexit.register(drop)

    def is_hidden_by(self, folder: str) -> bool:
        """Whether a program's folder has modules that it would import in the place of these."""
        return any(name.partition(".")[0] in self._names for name in os.listdir(folder or "."))


if __name__ == "__main__":
    print(Preload().load(sys.argv[1:]) or "forks", flush=True)
