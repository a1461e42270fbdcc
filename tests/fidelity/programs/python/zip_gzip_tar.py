# Pins down archives and compressors with fixed times: zip, gzip, tar, bz2, zlib, and a damaged file.
import bz2
import gzip
import hashlib
import io
import os
import tarfile
import zipfile
import zlib

text = "the quick brown fox – \N{FOX FACE}\n".encode() * 200
with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(zipfile.ZipInfo("dir/ü.txt", (2001, 2, 3, 4, 5, 6)), text)
with zipfile.ZipFile("a.zip") as archive:
    print([(i.filename, i.date_time, i.file_size, i.CRC) for i in archive.infolist()], archive.testzip())
packed = gzip.compress(text, mtime=0)
print(hashlib.sha256(packed).hexdigest()[:16], gzip.decompress(packed) == text)
print(zlib.crc32(text), zlib.adler32(text), bz2.decompress(bz2.compress(text)) == text)
with tarfile.open("a.tar", "w") as archive:
    entry = tarfile.TarInfo("deep/er/file")
    entry.size, entry.mode, entry.mtime = len(text), 0o640, 1_000_000_000
    archive.addfile(entry, io.BytesIO(text))
with tarfile.open("a.tar") as archive:
    print([(m.name, oct(m.mode), m.mtime, m.isfile()) for m in archive], os.path.getsize("a.tar"))
gzip.decompress(packed[:40] + b"?" + packed[41:])
