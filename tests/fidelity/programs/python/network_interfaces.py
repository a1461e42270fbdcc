# Lists the network interfaces, as socket and as psutil do; of the answers the loopback's.
import array
import ctypes
import fcntl
import socket
import struct

print([pair for pair in socket.if_nameindex() if pair[1] == "lo"])
print(socket.if_nametoindex("lo"), socket.if_indextoname(1))


class Address(ctypes.Structure):
    pass


Address._fields_ = [
    ("next", ctypes.POINTER(Address)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.POINTER(ctypes.c_ubyte * 16)),
    ("mask", ctypes.POINTER(ctypes.c_ubyte * 16)),
]

libc = ctypes.CDLL(None, use_errno=True)
first = ctypes.POINTER(Address)()
print(libc.getifaddrs(ctypes.byref(first)))
each = first
while each:
    entry = each.contents
    if entry.name == b"lo" and entry.address:
        family = int.from_bytes(bytes(entry.address.contents)[:2], "little")
        if family == socket.AF_INET:
            ip, mask = (bytes(part.contents)[4:8] for part in (entry.address, entry.mask))
            print(socket.inet_ntoa(ip), socket.inet_ntoa(mask), hex(entry.flags & 0x49))
    each = entry.next
libc.freeifaddrs(first)

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack("16s24x", b"lo")
    for number in (0x8913, 0x8915, 0x891B, 0x8921, 0x8933):  # SIOCGIFFLAGS and its kin
        print(fcntl.ioctl(any_socket, number, request)[16:24].hex())
    buffer = array.array("B", bytes(512))
    told = fcntl.ioctl(
        any_socket, 0x8912, struct.pack("iP", len(buffer), buffer.buffer_info()[0])
    )
    names = [bytes(buffer[at : at + 16]) for at in range(0, struct.unpack("iP", told)[0], 40)]
    print("lo" in [name.split(b"\0")[0].decode() for name in names])
    buffer[:4] = array.array("B", struct.pack("=I", 1))
    try:  # ETHTOOL_GSET, which a network card would answer
        fcntl.ioctl(any_socket, 0x8946, struct.pack("16sP16x", b"lo", buffer.buffer_info()[0]))
    except OSError as error:
        print(error)

with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as link:
    link.bind((0, 0))
    # RTM_SETLINK: nobody but an administrator may.
    link.send(struct.pack("=IHHII16x", 32, 19, 5, 1, 0))
    size, kind = struct.unpack_from("=IH", link.recv(4096))
    print(kind)
