"""A backend for the hub: an HTTP server in the guest that keeps what it got and misbehaves when told."""
import http.server
import json
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        """A sender that was killed is no error here."""


class Backend:
    def __init__(self):
        self.batches = []       # (Idempotency-Key, octets), as they came
        self.stored = {}        # identifier -> item
        self.accepted = {}      # identifier -> how often as new
        self.refuse = 0         # so many requests are answered 503
        self.hold = None        # a threading.Event: requests wait for it
        self.server = Server(('127.0.0.1', 0), self.handler())
        self.url = 'http://127.0.0.1:%d/v1/batches' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def configuration(self):
        return {'name': 'http', 'type': 'native', 'url': self.url, 'allow_plain_http': True, 'deadline': 'PT10S'}

    def readings(self):
        return [item for item in self.stored.values() if 'kind' in item]

    def close(self):
        if self.hold:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def handler(backend):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *arguments):
                pass

            def answer(self, status, body, *headers):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                backend.batches.append((self.headers['Idempotency-Key'], body))
                if backend.hold and not backend.hold.is_set():
                    backend.hold.wait(60)
                if backend.refuse:
                    backend.refuse -= 1
                    return self.answer(503, b'', ('Retry-After', '1'))
                batch, results = json.loads(body), []
                for item in batch['readings'] + batch['events']:
                    new = item['id'] not in backend.stored
                    if new:
                        backend.stored[item['id']] = item
                        backend.accepted[item['id']] = backend.accepted.get(item['id'], 0) + 1
                    results.append({'id': item['id'], 'status': 'stored' if new else 'duplicate'})
                self.answer(200, json.dumps({'results': results}).encode(), ('Content-Type', 'application/json'))
        return Handler
