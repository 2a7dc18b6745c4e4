"""Whatever fails between us and S3: afterwards the object is complete or absent."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.s3_reader import AHEAD, CHUNK, RANGE, TRIES
from tests.support.s3 import ALWAYS, BUCKET, Faults, keys, uploads
from tests.support.waiting import until

MIB = 1 << 20
DATA = bytes(range(256)) * (11 * MIB // 256) + b"tail"
RANGES = 3
"""That it is read in."""
KINDS = ("refused", "timeout", "lost", "denied")

pytestmark = pytest.mark.usefixtures("no_pauses")


def write(storage: S3Storage, data: bytes) -> bool:
    """Whether the storage says that the object was written."""
    try:
        with storage.open_writer("b/x") as writer:
            for start in range(0, len(data), 700_000):
                writer.write(data[start : start + 700_000])
    except StorageError:
        return False
    return True


def threads(prefix: str) -> list[str]:
    """Those of uploads or downloads that are at work."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefix)]


def stored(client: Any) -> bytes | None:
    """What S3 holds, seen past the storage."""
    try:
        found: bytes = client.get_object(Bucket=BUCKET, Key="data/b/x")["Body"].read()
    except ClientError:
        return None
    return found


CALLS = [
    ("PutObject", 1),
    ("CreateMultipartUpload", 1),
    ("UploadPart", 1),
    ("UploadPart", 2),
    ("UploadPart", 3),
    ("CompleteMultipartUpload", 1),
]
"""Every call of a write, and which of its kind it is."""


@pytest.mark.parametrize("times", [1, 3, ALWAYS])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("operation", "nth"), CALLS)
def test_a_write_that_meets_a_fault_is_complete_or_absent(
    s3: Any, operation: str, nth: int, kind: str, times: int
) -> None:
    faults = Faults(s3)
    faults.spoil(operation, kind, nth=nth, times=times)
    data = DATA[:1000] if operation == "PutObject" else DATA
    written = write(S3Storage(BUCKET, "data", client=s3), data)

    assert faults.calls.count(operation) >= nth
    assert stored(s3) == (data if written else None)
    assert uploads(s3) == []
    assert written or kind == "denied" or times == ALWAYS


@pytest.mark.parametrize("operation", ["PutObject", "CompleteMultipartUpload"])
def test_a_write_of_which_every_answer_is_lost_has_succeeded(
    s3: Any, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    Faults(s3).spoil(operation, "lost", times=ALWAYS)
    data = DATA[:1000] if operation == "PutObject" else DATA
    assert write(S3Storage(BUCKET, "data", client=s3), data)
    assert stored(s3) == data
    assert "could not be aborted" not in caplog.text


def test_a_write_that_was_given_up_does_not_appear_later(s3: Any) -> None:
    Faults(s3).spoil("CompleteMultipartUpload", "late", times=ALWAYS)
    assert not write(S3Storage(BUCKET, "data", client=s3), DATA)
    assert stored(s3) is None
    assert uploads(s3) == []


def test_a_failed_write_is_not_taken_for_the_object_that_was_there(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    storage.put("b/x", b"old")
    Faults(s3).spoil("PutObject", "timeout", times=ALWAYS)
    with pytest.raises(StorageError, match="AWS cannot be reached"):
        storage.put("b/x", b"new")
    assert stored(s3) == b"old"


@pytest.mark.parametrize(("kind", "left"), [("lost", 0), ("timeout", 1)])
def test_the_first_error_is_told_when_cleaning_up_fails_too(s3: Any, kind: str, left: int) -> None:
    faults = Faults(s3)
    faults.spoil("UploadPart", "denied")
    faults.spoil("AbortMultipartUpload", kind, times=ALWAYS)
    storage = S3Storage(BUCKET, "data", client=s3)
    with pytest.raises(StorageError, match="access is denied"), storage.open_writer("b/x") as writer:
        writer.write(DATA)
    assert keys(s3) == []
    assert len(uploads(s3)) == left


def test_a_part_that_fails_is_told_at_one_of_the_next_writes(s3: Any) -> None:
    Faults(s3).spoil("UploadPart", "denied")
    storage = S3Storage(BUCKET, "data", client=s3)
    written: list[int] = []
    with pytest.raises(StorageError, match="denied"), storage.open_writer("b/x") as writer:
        written.extend(writer.write(DATA) for _ in range(10))
    assert len(written) <= 3
    assert uploads(s3) == []
    assert threads("upload") == []


def test_parts_that_arrive_in_another_order_are_put_together_in_theirs(s3: Any) -> None:
    second = threading.Event()

    def first_waits(params: dict[str, Any], **_: Any) -> None:
        assert params["query_string"]["partNumber"] != 1 or second.wait(60)

    def second_is_there(parsed: dict[str, Any], **_: Any) -> None:
        arrived.append(parsed["ETag"])
        second.set()

    arrived: list[str] = []
    s3.meta.events.register("before-call.s3.UploadPart", first_waits)
    s3.meta.events.register("after-call.s3.UploadPart", second_is_there)
    assert write(S3Storage(BUCKET, "data", client=s3), DATA)
    assert arrived[0] == f'"{hashlib.md5(DATA[5 * MIB : 10 * MIB]).hexdigest()}"'  # S3's own word for it
    assert stored(s3) == DATA


@pytest.mark.parametrize("kind", ["refused", "timeout", "lost"])
@pytest.mark.parametrize("operation", ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObjects", "HeadBucket"])
def test_a_read_or_delete_survives_what_passes_and_names_what_stays(s3: Any, operation: str, kind: str) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    storage.put("b/x", b"1234")
    faults = Faults(s3)
    calls: dict[str, Callable[[], object]] = {
        "GetObject": lambda: storage.get("b/x"),
        "HeadObject": lambda: storage.size("b/x"),
        "ListObjectsV2": lambda: [*storage.paths(), *storage.folders()],
        "HeadBucket": storage.check,
        "DeleteObjects": lambda: storage.delete(["b/x"]),
    }
    results = {"GetObject": b"1234", "HeadObject": 4, "ListObjectsV2": ["b/x", "b"]}
    faults.spoil(operation, kind, times=3)
    assert calls[operation]() == results.get(operation)
    faults.spoil(operation, kind, nth=faults.calls.count(operation) + 1, times=ALWAYS)
    with pytest.raises(StorageError, match=BUCKET):
        calls[operation]()


def test_a_download_goes_on_where_its_connections_broke(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)
    faults = Faults(s3)
    faults.cut_downloads(0, 100, MIB // 2 + 17, 1, 17)
    assert storage.get("b/x") == DATA
    assert faults.calls.count("GetObject") == 5 + RANGES


@pytest.mark.parametrize("size", [RANGE // 2, len(DATA)])
def test_a_download_that_breaks_again_and_again_ends_in_words(s3: Any, size: int) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA[:size])
    faults = Faults(s3)
    faults.cut_downloads(*[1000] * 50)
    with pytest.raises(StorageError, match=r"the connection broke 5 times at byte \d+ \(ResponseStreamingError\)"):
        storage.get("b/x")
    assert TRIES + 1 <= faults.calls.count("GetObject") <= (TRIES + 1) * -(-size // RANGE)
    assert threads("download") == []


def test_a_download_may_break_often_as_long_as_it_gets_on(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)
    Faults(s3).cut_downloads(*[CHUNK] * 10)
    assert storage.get("b/x") == DATA


def test_an_object_that_is_replaced_while_it_is_read_is_noticed(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)
    Faults(s3).cut_downloads(2 * MIB)
    with storage.open_reader("b/x") as reader:
        assert reader.read(MIB) == DATA[:MIB]
        s3.put_object(Bucket=BUCKET, Key="data/b/x", Body=bytes(len(DATA)))
        with pytest.raises(StorageError, match="the object was replaced while it was read"):
            reader.read()


def test_a_download_is_a_few_ranges_ahead_of_its_reader(s3: Any) -> None:
    storage, data = S3Storage(BUCKET, "data", client=s3), DATA * 3
    write(storage, data)
    faults, read = Faults(s3), bytearray()
    with storage.open_reader("b/x") as reader:
        until(lambda: faults.calls.count("GetObject") == 1 + AHEAD)
        while more := reader.read(300_000):
            read += more
            assert faults.calls.count("GetObject") <= 1 + AHEAD + len(read) // RANGE
    assert read == data
    assert faults.calls.count("GetObject") == -(-len(data) // RANGE)
    assert threads("download") == []


def test_what_fits_into_a_range_is_one_request_and_no_thread(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA[:RANGE])
    faults = Faults(s3)
    with storage.open_reader("b/x") as reader:
        assert reader.read(10) == DATA[:10]
        assert threads("download") == []
        assert reader.read() == DATA[10:RANGE]
    assert faults.calls == ["GetObject"]


def test_a_range_that_cannot_be_had_fails_when_the_reader_gets_there_and_ever_after(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)
    Faults(s3).spoil("GetObject", "denied", nth=2, times=ALWAYS)
    with storage.open_reader("b/x") as reader:
        whole = b"".join(reader.read(MIB) for _ in range(RANGE // MIB))
        for _ in range(2):
            with pytest.raises(StorageError, match="access is denied"):
                reader.read(1)
    assert whole == DATA[:RANGE]
    assert threads("download") == []


@pytest.mark.parametrize("kind", ["refused", "timeout", "lost"])
def test_ranges_survive_what_passes(s3: Any, kind: str) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)
    Faults(s3).spoil("GetObject", kind, nth=2, times=3)
    assert storage.get("b/x") == DATA


def test_an_object_that_is_replaced_between_two_ranges_is_noticed(s3: Any) -> None:
    storage, data = S3Storage(BUCKET, "data", client=s3), DATA * 3
    write(storage, data)
    faults = Faults(s3)
    with storage.open_reader("b/x") as reader:
        until(lambda: faults.calls.count("GetObject") == 1 + AHEAD)
        s3.put_object(Bucket=BUCKET, Key="data/b/x", Body=bytes(len(data)))
        with pytest.raises(StorageError, match="the object was replaced while it was read"):
            reader.read()


def test_a_range_that_was_not_asked_for_is_refused(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA)

    def move(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ContentRange"] = parsed["ContentRange"].replace(f"bytes {RANGE}-", "bytes 0-")

    s3.meta.events.register("after-call.s3.GetObject", move)
    with pytest.raises(StorageError, match=f"another range was answered than bytes {RANGE} to {2 * RANGE - 1}"):
        storage.get("b/x")


def test_a_reader_that_is_left_early_leaves_no_thread(s3: Any) -> None:
    storage = S3Storage(BUCKET, "data", client=s3)
    write(storage, DATA * 3)
    with storage.open_reader("b/x") as reader:
        reader.read(1)
    assert threads("download") == []
