"""Runs the handler of a test's backend on a port of the loopback, until the control socket closes."""

import os
import sys
import threading
from http.server import ThreadingHTTPServer


def serve(handler):
    """`--control FD`: the port is written there as the first line."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    control = int(sys.argv[sys.argv.index("--control") + 1])
    os.write(control, f"{server.server_port}\n".encode())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.read(control, 1)
    os._exit(0)
