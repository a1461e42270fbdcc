# Pins down exec: the process is replaced, keeps its descriptors and its directory, ends with code 128.
import os
import sys

reader, writer = os.pipe()
os.write(writer, b"kept across exec\n")
os.close(writer)
os.set_inheritable(reader, True)
print("before exec", flush=True)
os.execvpe("sh", ["renamed", "-c", f'echo "$0 $GIVEN"; cat <&{reader}; ls; exit 128'], {"PATH": os.environ["PATH"], "GIVEN": "given é"})
