"""Runs the handler of a test's backend on a port of the loopback, until the control socket closes."""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answering(BaseHTTPRequestHandler):
    """Answers a POST with what `answer(body)` gives, a tuple for `reply`; None closes the connection without a word."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        answer = self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if answer is None:
            self.close_connection = True
        else:
            self.reply(*answer)


def serve(handler):
    """`--control FD`: the port is written there as the first line."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    control = int(sys.argv[sys.argv.index("--control") + 1])
    os.write(control, f"{server.server_port}\n".encode())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.read(control, 1)
    os._exit(0)
