"""Envelope encryption: every key opens, and nothing out of its place is opened."""

from __future__ import annotations

import base64
import io
import logging
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from mwaa_dr.framework import aws
from mwaa_dr.framework.envelope import (
    FRAME,
    MAGIC,
    SALT,
    TAG,
    DataKey,
    decrypting_reader,
    encrypting_writer,
    encryption_context,
    file_aad,
    new_data_key,
    unwrap,
)
from mwaa_dr.framework.errors import DamagedBackupError, SecretError

KEY = DataKey(bytes(range(32)), {})
AAD = file_aad("prod.us-east-1", "b1", "variable.csv.gz", 1)
CONTEXT = encryption_context("prod.us-east-1", "b1", 1)
HEADER = len(MAGIC) + SALT
SEALED = FRAME + TAG


class Slow(io.BytesIO):
    """Gives fewer bytes than it is asked for, as a connection does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None or size < 0 else min(size, 100_000))


def sealed(data: bytes, key: DataKey = KEY, aad: bytes = AAD, piece: int = 1 << 30) -> bytes:
    target = io.BytesIO()
    with encrypting_writer(target, key, aad) as writer:
        for start in range(0, len(data), piece):
            assert writer.write(data[start : start + piece]) == len(data[start : start + piece])
    return target.getvalue()


def opened(data: bytes, key: DataKey = KEY, aad: bytes = AAD) -> bytes:
    return decrypting_reader(Slow(data), key, aad).read()


def frames(data: bytes) -> list[bytes]:
    body = data[HEADER:]
    return [body[start : start + SEALED] for start in range(0, len(body), SEALED)]


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 17])
def test_a_file_of_any_size_comes_back(size: int) -> None:
    data = random.Random(size).randbytes(size)
    cipher = sealed(data)
    assert opened(cipher) == data
    assert len(cipher) == HEADER + size + TAG * max(1, -(-size // FRAME))


@given(st.lists(st.binary(max_size=300_000), max_size=6), st.integers(1, 400_000))
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_how_it_is_written_and_read(pieces: list[bytes], step: int) -> None:
    target = io.BytesIO()
    with encrypting_writer(target, KEY, AAD) as writer:
        for piece in pieces:
            writer.write(piece)
    reader = decrypting_reader(io.BytesIO(target.getvalue()), KEY, AAD)
    parts = list(iter(lambda: reader.read(step), b""))
    assert all(len(part) <= step for part in parts)
    assert b"".join(parts) == b"".join(pieces)
    assert reader.read(step) == b""


def test_nothing_of_the_plaintext_is_in_the_file_and_no_two_files_are_alike() -> None:
    data = b"postgresql://user:secret@host" * 100
    assert b"secret" not in sealed(data)
    # The tags aside: equal bytes would mean that a nonce was used twice with one key.
    assert sealed(data)[HEADER:-TAG] != sealed(data)[HEADER:-TAG]


def refused(data: bytes, key: DataKey = KEY, aad: bytes = AAD) -> None:
    with pytest.raises(DamagedBackupError) as caught:
        opened(data, key, aad)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("size", [0, 10, FRAME, 3 * FRAME + 17])
def test_a_file_cut_anywhere_is_refused(size: int) -> None:
    cipher = sealed(os.urandom(size))
    borders = {HEADER + SEALED * n for n in range(5)}
    near = {border + offset for border in borders for offset in (-1, 0, 1, TAG)} | {0, 1, len(MAGIC), len(cipher) - 1}
    cuts = [cut for cut in near if 0 <= cut < len(cipher)]
    assert cuts
    for cut in cuts:
        refused(cipher[:cut])


def test_a_file_altered_in_any_byte_is_refused() -> None:
    cipher = sealed(os.urandom(FRAME + 50))
    places = [*range(HEADER), *range(HEADER, len(cipher), 7919), len(cipher) - 1]
    for place in places:
        refused(cipher[:place] + bytes([cipher[place] ^ 1]) + cipher[place + 1 :])


def test_frames_that_are_swapped_doubled_or_left_out_are_refused() -> None:
    cipher = sealed(os.urandom(3 * FRAME + 5))
    header, (a, b, c, d) = cipher[:HEADER], frames(cipher)
    for order in (
        (b, a, c, d),
        (a, a, b, c, d),
        (a, c, d),
        (b, c, d),
        (a, b, d),
        (d,),
        (a, d),
        (a, b, c),
        (a, b, c, d, d),
    ):
        refused(header + b"".join(order))


@pytest.mark.parametrize("tail", [b"\0", b"x" * TAG, b"x" * SEALED, b"\n" * (2 * SEALED)])
@pytest.mark.parametrize("size", [0, 10, FRAME, FRAME + 10])
def test_anything_that_follows_or_precedes_is_refused(size: int, tail: bytes) -> None:
    cipher = sealed(os.urandom(size))
    refused(cipher + tail)
    refused(tail + cipher)
    refused(cipher + cipher)


def test_frames_of_another_file_are_refused() -> None:
    mine, other = sealed(os.urandom(2 * FRAME)), sealed(os.urandom(2 * FRAME))
    refused(mine[:HEADER] + frames(mine)[0] + frames(other)[1])
    refused(other[:HEADER] + b"".join(frames(mine)))


@pytest.mark.parametrize(
    "place",
    [
        file_aad("prod.us-east-1", "b1", "connection.csv.gz", 1),
        file_aad("prod.us-east-1", "b2", "variable.csv.gz", 1),
        file_aad("test.us-east-1", "b1", "variable.csv.gz", 1),
        file_aad("prod.us-east-1", "b1", "variable.csv.gz", 2),
        b"",
    ],
)
def test_a_file_in_another_place_is_refused(place: bytes) -> None:
    refused(sealed(b"secret"), aad=place)
    refused(sealed(b"secret", aad=place))


def test_no_two_places_share_their_bytes() -> None:
    assert file_aad("a", "b,c", "d", 1) != file_aad("a,b", "c", "d", 1)
    assert file_aad('a"', "b", "c", 1) != file_aad("a", '"b', "c", 1)
    assert file_aad("\N{LATIN SMALL LETTER E WITH ACUTE}", "b", "c", 1).isascii()


def test_another_key_is_refused() -> None:
    refused(sealed(b"secret"), key=DataKey(bytes(32), {}))


def test_a_file_that_is_not_encrypted_or_of_another_layout_is_refused() -> None:
    refused(b"\x1f\x8b plain gzip" * 100)
    refused(MAGIC[:-1] + b"\x02" + sealed(b"x")[len(MAGIC) :])


@pytest.mark.parametrize("size", [0, 10, FRAME, 2 * FRAME, 2 * FRAME + 1])
def test_what_was_written_before_a_failure_is_refused(size: int) -> None:
    target = io.BytesIO()
    with suppress(InterruptedError), encrypting_writer(target, KEY, AAD) as writer:
        writer.write(os.urandom(size))
        raise InterruptedError
    refused(target.getvalue())


def test_a_data_key_never_shows_itself() -> None:
    assert "\\x01\\x02" not in repr(KEY)
    assert "plaintext" not in repr(KEY)


def test_memory_does_not_grow_with_the_file() -> None:
    size = 100 << 20
    piece = bytes(1 << 20)

    class Pipe:
        """Is written to and read from in turns; holds what was not read yet."""

        kept = bytearray()
        feed: Callable[[], bool]

        def write(self, data: bytes, /) -> int:
            self.kept += data
            return len(data)

        def read(self, count: int = -1, /) -> bytes:
            while len(self.kept) < count and self.feed():
                pass
            data = bytes(self.kept[:count])
            del self.kept[:count]
            return data

    def written() -> Iterator[bool]:
        with encrypting_writer(pipe, KEY, AAD) as writer:
            for _ in range(size // len(piece)):
                writer.write(piece)
                yield True
        yield True

    pipe = Pipe()
    writing = written()
    pipe.feed = lambda: next(writing, False)
    tracemalloc.start()
    try:
        reader = decrypting_reader(pipe, KEY, AAD)
        total = sum(map(len, iter(lambda: reader.read(1 << 16), b"")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 4 * len(piece)


@pytest.fixture
def kms() -> Iterator[list[str]]:
    """The ARNs of a KMS key in each of two Regions."""
    with mock_aws():
        yield [
            boto3.client("kms", region_name=region).create_key()["KeyMetadata"]["Arn"]
            for region in ("us-east-1", "eu-west-1")
        ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Regions that are asked, in order."""
    regions: list[str] = []
    client = aws.patient_client

    def record(service: str, region: str = "") -> Any:
        regions.append(region)
        return client(service, region)

    monkeypatch.setattr(aws, "patient_client", record)
    return regions


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, *regions: str) -> None:
    """Every call to KMS in these Regions ends in this error."""
    client = aws.patient_client

    def fail(**_: Any) -> None:
        raise error

    def spoiled(service: str, region: str = "") -> Any:
        made = client(service, region)
        if region in regions:
            made.meta.events.register("before-call", fail)
        return made

    monkeypatch.setattr(aws, "patient_client", spoiled)


def unreachable(monkeypatch: pytest.MonkeyPatch, *regions: str) -> None:
    """Cut off KMS in some Regions."""
    failing(monkeypatch, EndpointConnectionError(endpoint_url="https://kms"), *regions)


def test_each_kms_key_alone_opens_the_data_key(kms: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_data_key(kms, CONTEXT)
    assert list(key.wrapped) == kms
    assert len(key.plaintext) == 32
    for arn in kms:
        assert unwrap({arn: key.wrapped[arn]}, CONTEXT).plaintext == key.plaintext
    assert new_data_key(kms, CONTEXT).plaintext != key.plaintext


def test_our_own_region_is_asked_first(kms: list[str], asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_data_key(kms, CONTEXT)
    asked.clear()
    unwrap(key.wrapped, CONTEXT, region="eu-west-1")
    unwrap(key.wrapped, CONTEXT, region="us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    unwrap(key.wrapped, CONTEXT)
    assert asked == ["eu-west-1", "us-east-1", "eu-west-1"]


@pytest.mark.parametrize("lost", ["us-east-1", "eu-west-1"])
def test_a_backup_opens_while_a_whole_region_is_lost(
    kms: list[str], monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    key = new_data_key(kms, CONTEXT)
    unreachable(monkeypatch, lost)
    assert unwrap(key.wrapped, CONTEXT, region=lost).plaintext == key.plaintext


@pytest.mark.parametrize("lost", [0, 1])
def test_a_backup_is_not_taken_unless_every_key_wraps(
    kms: list[str], monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    unreachable(monkeypatch, kms[lost].split(":")[3])
    with pytest.raises(SecretError, match="AWS cannot be reached") as caught:
        new_data_key(kms, CONTEXT)
    assert kms[lost] in caught.value.message


@pytest.mark.parametrize("here", ["us-east-1", "eu-west-1"])
def test_a_key_of_another_region_that_nobody_reaches_needs_a_way_out_of_the_vpc(
    kms: list[str], monkeypatch: pytest.MonkeyPatch, here: str
) -> None:
    """Workers without a NAT gateway reach KMS through an endpoint, which serves one Region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", here)
    (there,) = {"us-east-1", "eu-west-1"} - {here}
    failing(monkeypatch, ConnectTimeoutError(endpoint_url="https://kms"), there)
    with pytest.raises(SecretError, match=r"AWS cannot be reached \(ConnectTimeoutError\)") as caught:
        new_data_key(kms, CONTEXT)
    assert caught.value.hint == (
        f"Give the workers a way to KMS in {there}: a NAT gateway, or an interface endpoint of KMS for that Region."
    )


def test_the_own_region_that_nobody_reaches_is_another_matter(kms: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    unreachable(monkeypatch, "us-east-1")
    with pytest.raises(SecretError) as caught:
        new_data_key(kms, CONTEXT)
    assert "NAT" not in caught.value.hint


def test_when_no_key_answers_the_error_says_what_was_tried(kms: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_data_key(kms, CONTEXT)
    unreachable(monkeypatch, "us-east-1", "eu-west-1")
    with pytest.raises(SecretError, match="cannot be unwrapped") as caught:
        unwrap(key.wrapped, CONTEXT)
    assert all(arn in caught.value.message for arn in kms)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["environment", "backup_id", "format"])
def test_a_wrapped_key_of_another_place_is_refused(kms: list[str], name: str) -> None:
    key = new_data_key(kms, CONTEXT)
    with pytest.raises(SecretError, match="belongs to another backup"):
        unwrap(key.wrapped, {**CONTEXT, name: "other"})


@pytest.mark.parametrize("spoil", [lambda text: text[:-8] + "AAAAAAA=", lambda text: "no base64!", lambda text: ""])
def test_a_wrapped_key_that_was_altered_is_refused(kms: list[str], spoil: Callable[[str], str]) -> None:
    key = new_data_key(kms, CONTEXT)
    with pytest.raises(SecretError, match="cannot be unwrapped"):
        unwrap({arn: spoil(text) for arn, text in key.wrapped.items()}, CONTEXT)


def test_one_altered_wrapped_key_does_not_keep_the_other_from_opening(kms: list[str]) -> None:
    key = new_data_key(kms, CONTEXT)
    assert unwrap({**key.wrapped, kms[0]: "no base64!"}, CONTEXT, region="us-east-1").plaintext == key.plaintext


def test_a_key_that_cannot_be_used_is_named(kms: list[str]) -> None:
    gone = kms[0][:-4] + "0000"
    with pytest.raises(SecretError, match="the KMS key does not exist") as caught:
        new_data_key([kms[1], gone], CONTEXT)
    assert gone in caught.value.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("DisabledException", "the KMS key is not enabled"),
        ("KMSInvalidStateException", "the KMS key is not enabled"),
        ("AccessDeniedException", "access is denied"),
        ("ThrottlingException", "AWS is throttling"),
    ],
)
def test_a_refusal_of_kms_is_one_clear_line(
    kms: list[str], monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    key = new_data_key(kms, CONTEXT)
    failing(monkeypatch, ClientError({"Error": {"Code": code, "Message": "no"}}, "Decrypt"), "us-east-1", "eu-west-1")
    calls: list[Callable[[], DataKey]] = [lambda: new_data_key(kms, CONTEXT), lambda: unwrap(key.wrapped, CONTEXT)]
    for call in calls:
        with pytest.raises(SecretError, match=words) as caught:
            call()
        assert kms[0] in caught.value.message
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("arn", ["alias/mine", "1234", "arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:123:key/x"])
def test_what_is_no_key_arn_is_refused_in_words(arn: str) -> None:
    with pytest.raises(SecretError, match="is not the ARN of a KMS key"):
        new_data_key([arn], CONTEXT)
    with pytest.raises(SecretError, match="is not the ARN of a KMS key"):
        unwrap({arn: "AAAA"}, CONTEXT)


def test_without_any_key_there_is_nothing_to_wrap_or_unwrap() -> None:
    with pytest.raises(SecretError, match="no KMS key"):
        new_data_key([], CONTEXT)
    with pytest.raises(SecretError, match="no wrapped key"):
        unwrap({}, CONTEXT)


def test_a_data_key_is_in_no_log_however_much_is_logged(kms: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with caplog.at_level(logging.DEBUG, logger="botocore"):
        key = new_data_key(kms, CONTEXT)
        unwrap(key.wrapped, CONTEXT)
    assert base64.b64encode(key.plaintext).decode() not in caplog.text
    assert repr(key.plaintext) not in caplog.text
