# Pins down json, csv, struct, base64, regular expressions, hashes and pickles of fixed data.
import base64
import csv
import hashlib
import hmac
import io
import json
import pickle
import re
import struct
import sys
import zlib

data = {"z": [1, 2.5, None, True], "ä": "tab\t\u2028 \U0001F600", "nested": {"": []}}
print(json.dumps(data, sort_keys=True), json.dumps(data, ensure_ascii=False, indent=1))
csv.writer(sys.stdout).writerows([["a,b", 'quo"te', "line\nbreak"], [1, None, "é"]])
print(list(csv.DictReader(io.StringIO("x;y\n1;'a;b'\n"), delimiter=";", quotechar="'")))
print(struct.pack("<hIq2sd?", -2, 7, -1, b"ab", 1.5, True).hex(), struct.calcsize("@bq"), sys.byteorder)
print(re.sub(r"(?P<y>\d{4})-(\d\d)", r"\2/\g<y>", "2024-07 1999-12"), re.findall(r"\w+|[^\w\s]", "naïve, Ünï!"))
for name in ("md5", "sha1", "sha256", "sha3_256", "blake2b"):
    print(name, hashlib.new(name, b"drybox").hexdigest()[:32])
print(hmac.new(b"k", b"m", "sha512").hexdigest()[:32], hashlib.pbkdf2_hmac("sha256", b"p", b"s", 100).hex())
print(base64.b85encode(bytes(range(20))), zlib.crc32(b"x"), pickle.loads(pickle.dumps(data)) == data)
json.loads('{"a": [1, 2,}')
