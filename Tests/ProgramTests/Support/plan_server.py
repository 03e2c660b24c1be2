#!/usr/bin/env python3
"""A backend that gives plans: GET /plans with an ETag of the body's octets and 304, PUT /plans sets the body (its Signature header
is kept beside it), POST /batch takes readings and tells the tag of the plans, GET /seen tells what was asked. For tests of
hearthd. Writes its port as the first line and ends when the control socket closes. Standard library only.
"""

import hashlib
import json
from http.server import BaseHTTPRequestHandler

from serving import serve

JSON = ("Content-Type", "application/json")
plans = {"body": b'{"plans": []}', "signature": ""}
seen = []


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def reply(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tag(self):
        return '"' + hashlib.sha256(plans["body"]).hexdigest()[:8] + '"'

    def do_GET(self):
        if self.path == "/seen":
            return self.reply(200, [JSON], json.dumps(seen).encode())
        if self.headers.get("Authorization") != "Bearer word":
            seen.append(401)
            return self.reply(401, [])
        known = self.headers.get("If-None-Match") == self.tag()
        seen.append(304 if known else 200)
        headers = [JSON, ("ETag", self.tag()), ("Signature", plans["signature"])]
        self.reply(304, headers[1:]) if known else self.reply(200, headers, plans["body"])

    def do_PUT(self):
        plans["body"] = self.rfile.read(int(self.headers["Content-Length"]))
        plans["signature"] = self.headers.get("Signature", "")
        self.reply(204, [])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(204, [("Hearth-Plans", self.tag())])


serve(Handler)
