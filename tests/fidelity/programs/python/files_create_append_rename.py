# Pins down everyday file work: create, append, exclusive create, rename over, truncate, remove, seek holes.
import os
import pathlib
import shutil

path = pathlib.Path("notes é.txt")
path.write_text("one\ntwo\n", encoding="utf-8")
with path.open("a+") as file:
    print(file.tell(), file.write("three\n"), file.seek(0), file.read().split())
try:
    open(path, "x")
except FileExistsError as error:
    print(error)
with open("raw.bin", "w+b") as file:
    file.seek(5000)
    file.write(b"end")
    print(os.fstat(file.fileno()).st_size, file.truncate(5001), os.pread(file.fileno(), 10, 4999))
os.replace("raw.bin", path)
print(path.stat().st_size, path.stat().st_nlink, sorted(os.listdir(".")))
os.makedirs("tree/a/b")
for name in ("tree/a/1.txt", "tree/a/b/2.txt", "tree/3.txt"):
    pathlib.Path(name).write_text(name)
for top, folders, files in sorted(os.walk("tree")):
    print(top, sorted(folders), sorted(files))
shutil.copytree("tree", "copy")
print(sorted(map(str, pathlib.Path("copy").rglob("*.txt"))))
os.utime(path, (1_000_000_000, 1_234_567_890.5))
print(path.stat().st_mtime, path.stat().st_atime)
shutil.rmtree("tree")
path.unlink()
print(sorted(os.listdir(".")))
