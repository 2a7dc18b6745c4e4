"""A tiny S3 over real sockets, in a process of its own: it keeps no upload, and can cut downloads.

`python -m tests.support.object_server SIZE [CUT]` prints its port.
Every object has SIZE bytes, each answer breaks after CUT.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATTERN = bytes(range(251))
BLOCK = PATTERN * 1024


def content(offset: int, size: int) -> bytes:
    """The bytes of every object from an offset on."""
    start = offset % len(PATTERN)
    return (PATTERN * (size // len(PATTERN) + 2))[start : start + size]


class Handler(BaseHTTPRequestHandler):
    """The few calls that a streaming upload and download make."""

    protocol_version = "HTTP/1.1"
    size = 0
    cut = 0
    received = 0

    def do_GET(self) -> None:
        if "received" in self.path:
            return self._answer(str(Handler.received))
        start, last = map(int, re.findall(r"\d+", self.headers["Range"]))
        stop = min(last + 1, self.size)
        self.send_response(206)
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{self.size}")
        self.send_header("ETag", '"same"')
        self.end_headers()
        end = min(stop, start + self.cut) if self.cut else stop
        with suppress(ConnectionError):
            while start < end:
                piece = content(start, min(len(BLOCK), end - start))
                self.wfile.write(piece)
                start += len(piece)
        if end < stop:
            self.close_connection = True
        return None

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        Handler.received += int(self.headers["Content-Length"])
        self._answer("")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "uploads" in self.path:
            self._answer("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        else:
            assert b"<PartNumber>" in body
            self._answer("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("ETag", '"same"')
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    Handler.size, Handler.cut = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
