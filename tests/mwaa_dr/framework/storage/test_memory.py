"""Memory does not grow with an object, measured over real sockets in a fresh process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.object_server import content

SIZE = 300 << 20
PARTS = 3 * 5
"""MiB: two parts in flight and one that is being filled, each in a buffer that grew as it was filled."""
RANGES = 3 * 4
"""MiB: two ranges ahead and one that is read."""

CODE = """
import os, sys
import boto3
from botocore.config import Config
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.hashing import HashingReader

client = boto3.session.Session().client("s3", region_name="us-east-1",
    endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", aws_access_key_id="a", aws_secret_access_key="b",
    config=Config(s3={"addressing_style": "path"}))
storage, size = S3Storage("bucket", client=client), int(sys.argv[3])
storage.put("small", b"x")
with storage.open_reader("x") as reader:
    reader.read(1)
def kib(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
open("/proc/self/clear_refs", "w").write("5")  # VmHWM begins anew
before = kib("VmRSS")
digest = ""
if sys.argv[2] == "upload":
    with storage.open_writer("x") as writer:
        piece = bytes(64 << 10)
        for _ in range(size // len(piece)):
            writer.write(piece)
else:
    with storage.open_reader("x") as reader:
        hashing = HashingReader(reader)
        while hashing.read(1 << 20):
            pass
    digest = hashing.sha256
print((kib("VmHWM") - before) >> 10, digest)
"""


@contextmanager
def server(cut: int = 0) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.object_server", str(SIZE), str(cut)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


def measure(port: str, direction: str) -> tuple[int, str]:
    """MiB above the idle process, and the SHA-256 of what was downloaded."""
    command = [sys.executable, "-c", CODE, port, direction, str(SIZE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": "assets/dags"})
    grown, _, digest = done.stdout.strip().partition(" ")
    return int(grown), digest


def test_an_upload_of_300_mb_takes_the_memory_of_three_parts() -> None:
    with server() as port:
        grown, _ = measure(port, "upload")
    assert grown < 3 * PARTS


@pytest.mark.parametrize("cut", [0, 3 << 20])
def test_a_download_of_300_mb_takes_the_memory_of_three_ranges_however_often_it_breaks(cut: int) -> None:
    with server(cut) as port:
        grown, digest = measure(port, "download")
    assert grown < 2 * RANGES
    whole = hashlib.sha256()
    for offset in range(0, SIZE, 1 << 20):
        whole.update(content(offset, 1 << 20))
    assert digest == whole.hexdigest()
