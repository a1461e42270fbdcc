# Pins down AF_UNIX: a named stream socket, a datagram pair, passing a descriptor, select and poll.
import os
import select
import socket
import threading

server = socket.socket(socket.AF_UNIX)
server.bind("talk.sock")
server.listen()


def accept():
    peer, _ = server.accept()
    with peer, peer.makefile("rw") as stream:
        stream.write(stream.readline()[::-1].strip() + "\n")


thread = threading.Thread(target=accept)
thread.start()
with socket.socket(socket.AF_UNIX) as client:
    client.connect("talk.sock")
    client.sendall(b"olleh\n")
    print(client.recv(100), client.getpeername())
thread.join()
server.close()
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
reader, writer = os.pipe()
socket.send_fds(left, [b"take this"], [writer])
message, (passed,), _, _ = socket.recv_fds(right, 100, 1)
os.write(passed, b"through a passed descriptor")
print(message, os.read(reader, 100))
print(select.select([right], [left], [], 0)[0], [left.fileno() == fd for fd in (w.fileno() for w in select.select([], [left], [], 0)[1])])
os.close(passed), os.close(writer)
poller = select.poll()
poller.register(reader)
print([event & select.POLLHUP for _, event in poller.poll(100)], os.path.exists("talk.sock"))
