"""A web server inside of a session, talked to from inside: nothing of it is reached from outside."""

from __future__ import annotations

from drybox import CodeExecutor

SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"Hello, {self.path[1:]}!".encode())

    def log_message(self, *words):
        print("asked for", self.path, flush=True)

server = HTTPServer(("127.0.0.1", 8000), Greeter)
print("ready", flush=True)
server.serve_forever()
"""
ASK = "from urllib.request import urlopen\nurlopen('http://127.0.0.1:8000/Ada').read().decode()"

if __name__ == "__main__":
    with CodeExecutor() as executor, executor.session("python") as session:
        session.files.write("server.py", SERVER)
        server = session.start(["python3", "server.py"])
        events = server.events
        print(next(events).data, end="")  # it listens from now on
        print(session.run(ASK, timeout=60).results[0].data["text/plain"])
        print(next(events).data, end="")
        server.signal("SIGTERM")
        print("ended by", server.wait().signal)
