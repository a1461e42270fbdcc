# Pins down permission bits, umask, hard and symbolic links, FIFOs and file locks.
import fcntl
import os
import stat


def mode(path):
    return stat.filemode(os.lstat(path).st_mode)


def touch(path, bits=0o666):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, bits))
    return mode(path)


print("inherited umask:", touch("default"), oct(os.umask(0o027)))
print(touch("narrow"), touch("script", 0o777))
for bits in (0o000, 0o400, 0o644, 0o755, 0o4755, 0o1777, 0o600):
    os.chmod("narrow", bits)
    print(oct(bits), mode("narrow"))
os.mkdir("dir", 0o2777)
os.mkfifo("fifo")
os.link("narrow", "hard")
os.symlink("narrow", "soft")
os.symlink("nowhere/at all", "dangling")
print(mode("dir"), mode("fifo"), mode("soft"), os.stat("hard").st_nlink, os.path.samefile("soft", "hard"))
print(os.readlink("dangling"), os.path.exists("dangling"), os.path.lexists("dangling"))
print(sorted((entry.name, entry.is_symlink(), entry.is_file()) for entry in os.scandir(".")))
with open("default", "w") as one, open("default", "w") as two:
    fcntl.flock(one, fcntl.LOCK_EX)
    try:
        fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        print(error)
