"""A server of files on this machine, which can be told to misbehave as real ones do."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BYTES_BEFORE_BREAK = 2_500_000


class Server:
    """`files`: path -> bytes. `url`: of the root. `requests`: (path, Range header) as they came.

    `breaks`: how many of the next answers end after 2.5 MB. `ranges`: False sends the whole file whatever is asked.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.headers: list[dict[str, str]] = []
        self.breaks = 0
        self.ranges = True
        self.redirects: dict[str, str] = {}
        self.status: int | None = None
        self.url = ""


@contextmanager
def serve() -> Iterator[Server]:
    """A running server on a free port."""
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    http_server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{http_server.server_address[1]}"
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        http_server.shutdown()
        thread.join()
        http_server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        state = self.state
        asked = self.headers.get("Range")
        state.requests.append((self.path, asked))
        state.headers.append(dict(self.headers))
        if state.status is not None or (self.path not in state.files and self.path not in state.redirects):
            self.send_error(state.status or 404)
            return
        if self.path in state.redirects:
            self.send_response(302)
            self.send_header("Location", state.redirects[self.path])
            self.end_headers()
            return
        self._send(state.files[self.path], asked)

    def _send(self, body: bytes, asked: str | None) -> None:
        tag = f'"{hash(body)}"'
        start = int(re.fullmatch(r"bytes=(\d+)-", asked).group(1)) if asked and self.state.ranges else 0
        if self.headers.get("If-Range", tag) != tag:
            start = 0
        if asked and start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        part = body[start:]
        if self.state.breaks:
            self.state.breaks -= 1
            part = part[:BYTES_BEFORE_BREAK]
        with suppress(ConnectionError):  # a client that has seen enough
            self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""
