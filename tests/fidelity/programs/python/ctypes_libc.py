# Pins down calling the C library: strings, callbacks, structures, errno, C-level output at exit.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
print(libc.strlen(b"twelve bytes"), libc.getpid() == os.getpid(), libc.toupper(ord("q")))


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
def compare(a, b):
    return a[0] - b[0]


numbers = (ctypes.c_int * 6)(5, 3, 9, -1, 0, 7)
libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare)
print(list(numbers))


class Division(ctypes.Structure):
    _fields_ = [("quot", ctypes.c_int), ("rem", ctypes.c_int)]


libc.div.restype = Division
print(libc.div(-7, 2).quot, libc.div(-7, 2).rem)
print(libc.chdir(b"/no/such/dir"), os.strerror(ctypes.get_errno()))
buffer = ctypes.create_string_buffer(40)
print(libc.snprintf(buffer, 40, b"%05d|%-6s|%x", 42, b"ab", 255), buffer.value, flush=True)
libc.printf(b"through stdio of libc, flushed by exit\n")
try:
    libc.no_such_function
except AttributeError as error:
    print("AttributeError", str(error).rsplit(": ", 1)[-1])
