# Pins down the devices a plain program counts on: null, zero, full, random, urandom, standard stream links.
import os
import stat

with open("/dev/null", "r+b", buffering=0) as null:
    print(null.write(b"gone"), null.read())
with open("/dev/zero", "rb") as zero:
    print(zero.read(5))
with open("/dev/full", "wb", buffering=0) as full:
    try:
        full.write(b"x")
    except OSError as error:
        print(error)
for name in ("/dev/random", "/dev/urandom"):
    with open(name, "rb", buffering=0) as source:
        print(name, len(source.read(16)))
for name in ("null", "zero", "full", "random", "urandom", "tty", "shm", "fd", "stdin", "stdout", "stderr"):
    print(name, stat.filemode(os.lstat("/dev/" + name).st_mode)[0], os.access("/dev/" + name, os.R_OK | os.W_OK) if name in ("null", "zero", "full") else "")
print(os.readlink("/dev/stdout"), os.readlink("/dev/fd"))
