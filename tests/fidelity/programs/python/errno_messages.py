# Pins down the error numbers and texts that file operations fail with.
import errno
import os

os.mkdir("full")
open("full/file", "w").close()
os.symlink("loop", "loop")
attempts = {
    "open missing": lambda: open("missing"),
    "open dir": lambda: open("full", "w"),
    "file as dir": lambda: os.listdir("full/file"),
    "below file": lambda: open("full/file/x"),
    "rmdir full": lambda: os.rmdir("full"),
    "unlink dir": lambda: os.unlink("full"),
    "mkdir twice": lambda: os.mkdir("full"),
    "loop": lambda: open("loop"),
    "long name": lambda: open("n" * 300),
    "rename missing": lambda: os.rename("missing", "x"),
    "dir over file": lambda: os.rename("full", "full/file/x"),
    "bad fd": lambda: os.read(99, 1),
    "write to reader": lambda: os.write(os.open("full/file", os.O_RDONLY), b"x"),
    "seek pipe": lambda: os.lseek(os.pipe()[0], 0, 0),
    "exec dir": lambda: os.execv("full", ["x"]),
    "readlink file": lambda: os.readlink("full/file"),
    "no such pid": lambda: os.kill(2**30, 0),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, "worked")
    except OSError as error:
        print(f"{name}: {type(error).__name__} {errno.errorcode[error.errno]} {error}".replace("n" * 300, "nnn"))
open("missing/for/real.txt")
