#!/usr/bin/env python3
"""An HTTP server that answers as its clients fear: the path says how. For tests of hearth-uplink and hearthd.

usage: fault_server.py [--control FD] [--address ADDRESS] [--certificate FILE --key FILE [--client-authority FILE]] [--most-tls 1.1]

Writes its port as the first line to standard output and ends when standard input closes; with --control, both are that one
socket. GET /requests tells the method, the path and the
length of every request so far, one a line. Standard library only.

For compressed requests: `gunzip` answers with the body as it was before, `plain-only-STATUS` answers STATUS to a compressed request and
204 to another one, `never-STATUS` answers STATUS to every request, `gunzip-and-lose` takes the first request and closes without an
answer; GET /bodies tells the SHA-256 of each body as it came, its encoding and the SHA-256 of what was in it.
"""

import argparse
import gzip
import hashlib
import os
import socket
import ssl
import struct
import threading
import time

requests = []
bodies = []
lost = set()
lock = threading.Lock()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    length = int(headers.get("content-length", ["0"])[0])
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    return method, path, headers, body


def answer(status, reason, body=b"", headers=()):
    lines = [f"HTTP/1.1 {status} {reason}"] + list(headers)
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


STATUSES = {
    "204": answer(204, "No Content"),
    "413": answer(413, "Content Too Large", b"too large"),
    "503": answer(503, "Service Unavailable", b"later", ["Retry-After: 7"]),
    "301": answer(301, "Moved Permanently", b"moved", ["Location: /target"]),
    "302": answer(302, "Found", b"", ["Location: /target"]),
    "307": answer(307, "Temporary Redirect", b"", ["Location: /target"]),
    "308": answer(308, "Permanent Redirect", b"moved", ["Location: /target"]),
    "redirect-without-location": answer(302, "Found", b""),
    "401-basic": answer(401, "Unauthorized", b"who", ['WWW-Authenticate: Basic realm="x"']),
    "401-basic-without-realm": answer(401, "Unauthorized", b"who", ["WWW-Authenticate: Basic"]),
    "401-digest": answer(401, "Unauthorized", b"who", ['WWW-Authenticate: Digest realm="x", nonce="1", qop="auth"']),
    "401-bearer": answer(401, "Unauthorized", b"who", ['WWW-Authenticate: Bearer error="invalid_token"']),
    "401-plain": answer(401, "Unauthorized", b"who"),
    "cookie": answer(200, "OK", b"", ["Set-Cookie: a=b"]),
    "close-mid-status": b"HTTP/1.1 20",
    "close-after-status": b"HTTP/1.1 200 OK\r\n",
    "close-mid-header": b"HTTP/1.1 200 OK\r\nContent-Type: appl",
    "close-without-answer": b"",
    "short-body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789",
    "garbage": b"\x00\xff\xfe not http at all\r\n\r\n",
    "garbage-status": b"HTTP/1.1 banana OK\r\nContent-Length: 0\r\n\r\n",
    "huge-status": b"HTTP/1.1 99999999999 OK\r\nContent-Length: 0\r\n\r\n",
    "without-reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "header-without-colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nok",
    "bad-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "bad-gzip": answer(200, "OK", b"this is no gzip", ["Content-Encoding: gzip"]),
    "trailers": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: Server-Timing\r\n\r\n2\r\nok\r\n0\r\nServer-Timing: db;dur=5\r\nX-Checksum: 1\r\n\r\n",
    "http-1.0": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"results":[]}',
    "informed": b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    + answer(200, "OK", b'{"results":[]}', ["Content-Type: application/json"]),
    "gzipped": answer(200, "OK", gzip.compress(b'{"results":[]}'), ["Content-Type: application/json", "Content-Encoding: gzip"]),
    "many-headers": answer(200, "OK", b"ok", [f"X-Header-{n}: {n}" for n in range(200)]),
    "long-header": answer(200, "OK", b"ok", ["X-Long: " + "x" * 50000]),
    "portal": answer(200, "OK", b"<html>Welcome to the hotel</html>", ["Content-Type: text/html"]),
}


def serve_path(connection, name, method, headers, body):
    """True when the connection may be used again."""
    if name == "after-work":
        # The answer comes when this process has worked for so long: no clock is asked.
        end = time.process_time() + 0.6
        while time.process_time() < end:
            pass
    if name in ("ok", "after-work"):
        connection.sendall(answer(200, "OK", b'{"results":[]}', ["Content-Type: application/json", "X-Test: yes"]))
        return True
    encoding = headers.get("content-encoding", ["-"])[0]
    if method == "POST":
        content = gzip.decompress(body) if encoding == "gzip" else body
        line = f"{hashlib.sha256(body).hexdigest()} {encoding} {hashlib.sha256(content).hexdigest()}"
        with lock:
            bodies.append(line)
    if name == "bodies":
        with lock:
            text = "\n".join(bodies)
        connection.sendall(answer(200, "OK", text.encode()))
        return True
    if name == "gunzip":
        connection.sendall(answer(200, "OK", content))
        return True
    if name.startswith("plain-only-"):
        connection.sendall(answer(int(name[11:]), "Refused") if encoding == "gzip" else answer(204, "No Content"))
        return True
    if name.startswith("never-"):
        connection.sendall(answer(int(name[6:]), "Refused"))
        return True
    if name == "gunzip-and-lose":
        with lock:
            first = name not in lost
            lost.add(name)
        if first:
            return False
        connection.sendall(answer(204, "No Content"))
        return True
    if name == "echo":
        connection.sendall(answer(200, "OK", body))
        return True
    if name == "headers":
        text = "".join(f"{key}: {value}\n" for key, values in sorted(headers.items()) for value in values)
        connection.sendall(answer(200, "OK", text.encode("latin-1")))
        return True
    if name == "requests":
        with lock:
            text = "\n".join(requests)
        connection.sendall(answer(200, "OK", text.encode()))
        return True
    if name in STATUSES:
        connection.sendall(STATUSES[name])
        # Whole answers. A close that was not announced would reset the next request, when that is already on its way.
        return name[0].isdigit() or name == "trailers"
    if name == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if name == "silent":
        connection.recv(1)
        return False
    if name == "drip":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)
    if name == "drip-header":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.1)
    if name == "endless":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)
    if name == "endless-headers":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Endless: " + b"y" * 4000 + b"\r\n")
    if name == "endless-gzip":
        bomb = gzip.compress(b"\0" * (64 << 20))
        connection.sendall(answer(200, "OK", bomb, ["Content-Encoding: gzip"]))
        return False
    connection.sendall(answer(404, "Not Found"))
    return True


def serve(connection):
    try:
        while True:
            request = read_request(connection)
            if request is None:
                return
            method, path, headers, body = request
            with lock:
                requests.append(f"{method} {path} {len(body)}")
            # A proxy is asked with a whole URL: it must be visible, so it is answered like any other path.
            if not serve_path(connection, path.rsplit("/", 1)[-1].partition("?")[0], method, headers, body):
                return
    except OSError:
        pass
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--control", type=int)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--client-authority")
    parser.add_argument("--most-tls", choices=["1.1"])
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.client_authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(options.client_authority)
        if options.most_tls == "1.1":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    listener = socket.create_server((options.address, 0), family=family, backlog=64)
    control = (0, 1) if options.control is None else (options.control, options.control)
    os.write(control[1], f"{listener.getsockname()[1]}\n".encode())
    threading.Thread(target=end_with_parent, args=(control[0],), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        # Otherwise the tail of an answer waits 40 ms for the client's delayed acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=equip, args=(connection, context), daemon=True).start()


def equip(connection, context):
    if context:
        try:
            connection = context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            connection.close()
            return
    serve(connection)


def end_with_parent(control):
    while os.read(control, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
