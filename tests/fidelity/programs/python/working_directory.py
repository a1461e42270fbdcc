# Pins down the working directory: only the program is in it, HOME is it, it can be left and refilled.
import os
import pathlib

start = os.getcwd()
print(os.path.basename(start) == pathlib.Path(__file__).parent.name, sorted(os.listdir(".")))
print(os.path.expanduser("~") == start == os.environ["HOME"] == str(pathlib.Path.home()))
print(os.path.realpath(".") == start, os.access(".", os.W_OK), os.environ["LANG"])
pathlib.Path("sub/ä b").mkdir(parents=True)
os.chdir("sub/ä b")
print(os.path.relpath(start), os.path.relpath(os.getcwd(), start), os.listdir("."))
os.chdir("/")
print(os.getcwd(), os.path.isdir("/usr/bin"), os.path.isdir("/tmp"))
os.chdir(start)
os.removedirs("sub/ä b")
print(sorted(os.listdir(".")))
