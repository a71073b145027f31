"""A part that only says that it is ready: what the supervisor is tried on."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shared.platform import lifeline


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["LINKWORK_PORT"].encode())

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    lifeline.watch()
    address = (os.environ["LINKWORK_HOST"], int(os.environ["LINKWORK_PORT"]))
    ThreadingHTTPServer(address, Ready).serve_forever()
