# Pins down memory maps (shared file, anonymous across fork, memfd) and temporary files.
import mmap
import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "map")
    with open(path, "wb") as file:
        file.write(b"-" * 10000)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[5000:5005] = b"hello"
        view.flush()
        print(view.find(b"hello"), len(view), open(path, "rb").read()[4998:5007])
print(os.path.exists(folder))
shared = mmap.mmap(-1, mmap.PAGESIZE)
if os.fork() == 0:
    shared[:5] = b"child"
    os._exit(0)
os.wait()
print(shared[:8])
fd = os.memfd_create("scratch")
os.write(fd, b"in memory only")
print(mmap.mmap(fd, 14, prot=mmap.PROT_READ)[3:9])
with tempfile.NamedTemporaryFile("w+", suffix=".txt", prefix="né-", dir=".") as file:
    file.write("temporary")
    file.flush()
    print(oct(os.stat(file.name).st_mode & 0o777), file.name.endswith(".txt"), open(file.name).read())
with tempfile.TemporaryFile() as file, tempfile.SpooledTemporaryFile(10) as spool:
    print(file.write(b"x" * 100), os.fstat(file.fileno()).st_nlink, spool.write(b"y" * 20), spool.tell())
print([name for name in os.listdir(".") if name != "main.py"])
