"""A small S3 over real sockets, in a process of its own, that keeps its objects in a folder.

`python -m tests.support.s3_server FOLDER` prints its port. Every bucket is there; nothing is signed or refused.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

BLOCK = 1 << 16


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds it."""
    command = [sys.executable, "-m", "tests.support.s3_server", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{process.stdout.readline().strip()}",
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            process.kill()


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Handler(BaseHTTPRequestHandler):
    """The calls that a storage makes."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_GET(self) -> None:
        if self._key:
            self._object(with_body=True)
        elif "uploads" in self._asked:
            self._answer("<ListMultipartUploadsResult/>")
        else:
            self._list()

    def do_PUT(self) -> None:
        number = self._asked.get("partNumber", [""])[0]
        target = self._path(self._key + (f".part{int(number):05}" if number else ""))
        with target.open("wb") as file:
            self._receive(file)
        self._answer("")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if "uploads" in self._asked:
            return self._answer("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        if "uploadId" in self._asked:
            return self._complete()
        for key in re.findall("<Key>(.*?)</Key>", body):
            self._path(key).unlink(missing_ok=True)
        return self._answer("<DeleteResult/>")

    def log_message(self, *_: object) -> None:
        pass

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/").partition("/")[2]

    @property
    def _asked(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _path(self, key: str) -> Path:
        return self.folder / quote(key, safe="")

    def _receive(self, file: Writable) -> None:
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return self._copy(self.rfile, file, int(self.headers["Content-Length"]))
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            self._copy(self.rfile, file, size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return None

    def _copy(self, source: Readable, target: Writable, size: int) -> None:
        while size:
            data = source.read(min(size, BLOCK))
            target.write(data)
            size -= len(data)

    def _complete(self) -> None:
        with self._path(self._key).open("wb") as whole:
            for part in sorted(self.folder.glob(f"{self._path(self._key).name}.part*")):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
                part.unlink()
        self._answer("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")

    def _object(self, *, with_body: bool) -> None:
        path = self._path(self._key)
        if self._key and not path.exists():
            return self._answer("<Error><Code>NoSuchKey</Code></Error>", status=404)
        size = path.stat().st_size if self._key else 0
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, stop = (int(asked[1]), min(int(asked[2]) + 1, size)) if asked and size else (0, size)
        self.send_response(206 if asked and size else 200)
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("ETag", '"same"')
        self.end_headers()
        if with_body:
            with path.open("rb") as file:
                file.seek(start)
                self._copy(file, self.wfile, stop - start)
        return None

    def _list(self) -> None:
        prefix = self._asked.get("prefix", [""])[0]
        found = sorted(unquote(p.name) for p in self.folder.iterdir())
        below = [key for key in found if key.startswith(prefix)]
        folders = sorted({prefix + key[len(prefix) :].partition("/")[0] + "/" for key in below})
        listed = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in below)
        if "delimiter" in self._asked:
            listed = "".join(f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in folders)
        self._answer(f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>")

    def _answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("ETag", '"same"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    Handler.folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
