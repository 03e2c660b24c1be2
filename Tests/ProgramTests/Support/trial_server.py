#!/usr/bin/env python3
"""A backend that is tried: the path says how it answers. GET /seen gives the bodies that came, as a JSON list. Standard library only.

POST /native /other-id /no-results /no-json /page /unknown-status /duplicate /refused /fhir /fhir-known /operation-outcome /events /closed
"""

import json
import threading

from serving import Answering, serve

lock = threading.Lock()
seen = []
JSON = [("Content-Type", "application/json")]


def results(status, ids):
    return 200, JSON, json.dumps({"results": [{"id": one, "status": status} for one in ids]}).encode()


def decide(path, body):
    # Octets that are no text: a server that does not expect them may end the connection without a word.
    if body[:2] == b"\x1f\x8b":
        return None
    value = json.loads(body)
    seen.append(value)
    ids = [one["id"] for one in value.get("readings", [])] if isinstance(value, dict) else []
    if path == "/native":
        return results("stored", ids)
    if path == "/duplicate":
        return results("duplicate", ids)
    if path == "/other-id":
        return results("stored", ["another"])
    if path == "/unknown-status":
        return results("ok", ids)
    if path == "/no-results":
        return 200, JSON, b'{"ok":true}'
    if path == "/no-json":
        return 200, [("Content-Type", "text/plain")], b"thank you"
    if path == "/page":
        return 200, [("Content-Type", "text/html")], b"<html>Welcome</html>"
    if path == "/refused":
        return 401, JSON, b"{}"
    if path == "/closed":
        return None
    if path == "/events":
        return 202, [], b""
    if path == "/operation-outcome":
        return 200, JSON, json.dumps({"resourceType": "OperationOutcome", "issue": []}).encode()
    status = "200 OK" if path == "/fhir-known" else "201 Created"
    entries = [{"response": {"status": status}} for _ in value["entry"]]
    return 200, JSON, json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}).encode()


class Handler(Answering):
    def answer(self, body):
        with lock:
            return decide(self.path, body)

    def do_GET(self):
        with lock:
            body = json.dumps(seen).encode()
        self.reply(200, JSON, body)


serve(Handler)
