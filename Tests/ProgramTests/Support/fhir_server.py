#!/usr/bin/env python3
"""A receiver of FHIR Bundles that holds what it took by the identifier of its conditional creation, and answers by the path as
real ones do on bad days. For tests of hearthd. Writes its port as the first line and ends when the control socket closes.

POST /plain /poison /large /portal /choke /basic /oauth /helper /gunzip /lost-gunzip /plain-only-STATUS, POST /token; GET /state tells what is held and what came.
Standard library only.
"""

import base64
import gzip
import json
import threading

from serving import Answering, serve

FHIR = [("Content-Type", "application/fhir+json")]
lock = threading.Lock()
held = {}
bodies = []
keys = []
tokens = [0]
compressed = [0]


def outcome(code, text):
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


def take(body):
    """A transaction by its conditional creations."""
    entries = []
    for entry in json.loads(body, parse_float=str, parse_int=str)["entry"]:
        search = entry["request"]["ifNoneExist"]
        entries.append({"response": {"status": "200 OK" if search in held else "201 Created"}})
        held.setdefault(search, entry["resource"])
    bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    return 200, FHIR, json.dumps(bundle).encode()


def decide(path, headers, body):
    authorization = headers.get("authorization", "")
    if path == "/token":
        if base64.b64decode(authorization.removeprefix("Basic ")) != b"client:secret":
            return 401, FHIR, b'{"error":"invalid_client"}'
        tokens[0] += 1
        answer = {"access_token": f"token-{tokens[0]}", "token_type": "Bearer", "expires_in": 600}
        return 200, [("Content-Type", "application/json")], json.dumps(answer).encode()
    bodies.append(body)
    keys.append(headers.get("idempotency-key"))
    if headers.get("content-encoding") == "gzip":
        compressed[0] += 1
        if path.startswith("/plain-only-"):
            return int(path[12:]), FHIR, outcome("structure", "this is no JSON")
        body = gzip.decompress(body)
    # Taken, and nobody hears of it.
    if path == "/lost-gunzip" and len(bodies) < 2:
        take(body)
        return None
    if path == "/poison" and b'"value":130,' in body:
        return 422, FHIR, outcome("value", "the systolic pressure is not liked")
    if path == "/large" and len(body) > 10000:
        return 413, [], b""
    if path == "/portal" and len(bodies) < 3:
        return 200, [("Content-Type", "text/html")], b"<html>Welcome to the hotel</html>"
    if path == "/cut" and len(bodies) < 3:
        return 200, FHIR, take(body)[2][:50]
    if path == "/basic" and authorization != "Basic " + base64.b64encode(b"user:word").decode():
        return 401, [], b""
    # The first token is withdrawn before it is used.
    if path == "/oauth" and authorization != "Bearer token-2":
        return 401, [], b""
    if path == "/helper" and headers.get("x-proof") != f"nonce-1 {len(body)}":
        return 401, [("DPoP-Nonce", "nonce-1"), ("WWW-Authenticate", 'DPoP error="use_dpop_nonce"')], b""
    return take(body)


class Handler(Answering):
    def answer(self, body):
        with lock:
            return decide(self.path, {name.lower(): value for name, value in self.headers.items()}, body)

    def do_GET(self):
        with lock:
            resources = list(held.values())
            systolic = [
                component["valueQuantity"]["value"]
                for resource in resources
                for component in resource.get("component", [])
                if any(coding["code"] == "150021" for coding in component["code"]["coding"])
            ]
            state = {
                "systolic": sorted(systolic), "devices": sum(one["resourceType"] == "Device" for one in resources),
                "requests": len(bodies), "bodies": len(set(bodies)), "keys": len(set(keys)), "tokens": tokens[0],
                "compressed": compressed[0],
            }
        self.reply(200, [("Content-Type", "application/json")], json.dumps(state).encode())


serve(Handler)
