"""Envelope encryption: a data key that KMS keys wrap, and files sealed with it in their place."""

from __future__ import annotations

import base64
import json
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mwaa_dr.framework import aws
from mwaa_dr.framework.errors import DamagedBackupError, SecretError
from mwaa_dr.framework.storage.storage import Reader, Writer

FRAME = 256 << 10
"""Bytes of plaintext that are sealed together; the last frame of a file has the rest."""
TAG = 16
SALT = 32
MAGIC = b"MWAADR\x00\x01"
"""What an encrypted file begins with; the last byte is the version of its layout."""
_KEY_BYTES = 32
# https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-cross-region-privatelink-support.html has KMS.
_NO_WAY = "Give the workers a way to KMS in {region}: a NAT gateway, or an interface endpoint of KMS for that Region."

_ARN = re.compile(r"arn:[^:]+:kms:([^:]+):\d{12}:(?:key|alias)/.+")


@dataclass(frozen=True)
class DataKey:
    """The key of one backup, and how each KMS key wraps it."""

    plaintext: bytes = field(repr=False)
    wrapped: dict[str, str]
    """KMS key ARN -> base64."""


def encryption_context(environment: str, backup_id: str, format: int) -> dict[str, str]:
    """What KMS binds a wrapped key to, and writes into CloudTrail."""
    return {"environment": environment, "backup_id": backup_id, "format": str(format)}


def file_aad(environment: str, backup_id: str, file: str, format: int) -> bytes:
    """What an encrypted file is bound to: canonical bytes of its place."""
    return json.dumps([environment, backup_id, file, format], ensure_ascii=True).encode()


def new_data_key(kms_key_arns: Iterable[str], context: Mapping[str, str]) -> DataKey:
    """A fresh data key wrapped under each of these KMS keys; raise SecretError for the first that fails."""
    arns = list(dict.fromkeys(kms_key_arns))
    if not arns:
        raise SecretError("no KMS key is named to encrypt with")
    first, *others = arns
    with _naming(first):
        made = _client(first).generate_data_key(KeyId=first, KeySpec="AES_256", EncryptionContext=dict(context))
    wrapped = {first: _text(made["CiphertextBlob"])}
    for arn in others:
        with _naming(arn):
            answer = _client(arn).encrypt(KeyId=arn, Plaintext=made["Plaintext"], EncryptionContext=dict(context))
        wrapped[arn] = _text(answer["CiphertextBlob"])
    return DataKey(made["Plaintext"], wrapped)


def unwrap(wrapped: Mapping[str, str], context: Mapping[str, str], region: str = "") -> DataKey:
    """The data key, from the KMS key in our own Region or else from any other that answers."""
    tried: list[str] = []
    here = region or aws.own_region()
    for arn in sorted(wrapped, key=lambda name: _region(name) != here):
        try:
            plaintext = _decrypt(arn, wrapped[arn], context)
        except SecretError as err:
            tried.append(err.message)
            continue
        return DataKey(plaintext, dict(wrapped))
    if not tried:
        raise SecretError("the backup is encrypted, and its manifest has no wrapped key")
    raise SecretError(
        f"the backup's data key cannot be unwrapped: {'; '.join(tried)}",
        "Allow kms:Decrypt on one of these keys to the role that restores.",
    )


@contextmanager
def encrypting_writer(writer: Writer, key: DataKey, aad: bytes) -> Iterator[Writer]:
    """Encrypt what is written; the file is whole when the block ended well, and refused otherwise."""
    sealing = _SealingWriter(writer, key, aad)
    yield sealing
    sealing.finish()


def decrypting_reader(reader: Reader, key: DataKey, aad: bytes, *, name: str = "an encrypted file") -> Reader:
    """Decrypt while it is read; raise DamagedBackupError, at the latest where it ends, unless all is genuine.

    Only `b""` says that the file was whole: use nothing for good before that.
    """
    return _OpeningReader(reader, key, aad, name)


class _Frames:
    """The key of one file, and the place of each of its frames."""

    def __init__(self, key: DataKey, aad: bytes, header: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        # A key for each file: counters can be nonces, and no two files ever share one.
        derived = HKDF(SHA256(), _KEY_BYTES, salt=header[len(MAGIC) :], info=MAGIC).derive(key.plaintext)
        self._cipher = AESGCM(derived)
        self._bound = header + struct.pack(">Q", len(aad)) + aad
        self._index = 0

    def seal(self, data: bytes, *, final: bool) -> bytes:
        return self._cipher.encrypt(*self._next(data, final))

    def open(self, data: bytes, *, final: bool) -> bytes:
        return self._cipher.decrypt(*self._next(data, final))

    def _next(self, data: bytes, final: bool) -> tuple[bytes, bytes, bytes]:
        place = struct.pack(">?3xQ", final, self._index)
        self._index += 1
        return place, data, self._bound + place


class _SealingWriter:
    def __init__(self, writer: Writer, key: DataKey, aad: bytes) -> None:
        header = MAGIC + os.urandom(SALT)
        self._writer = writer
        self._frames = _Frames(key, aad, header)
        self._waiting = bytearray()
        writer.write(header)

    def write(self, data: bytes, /) -> int:
        rest = memoryview(data)
        while rest:
            # A full frame waits for the next byte: it may be the last one, and that is sealed differently.
            if len(self._waiting) == FRAME:
                self._flush(final=False)
            room = FRAME - len(self._waiting)
            self._waiting += rest[:room]
            rest = rest[room:]
        return len(data)

    def finish(self) -> None:
        self._flush(final=True)

    def _flush(self, *, final: bool) -> None:
        self._writer.write(self._frames.seal(bytes(self._waiting), final=final))
        self._waiting.clear()


class _OpeningReader:
    def __init__(self, reader: Reader, key: DataKey, aad: bytes, name: str) -> None:
        self._reader = reader
        self._name = name
        header = self._exactly(len(MAGIC) + SALT)
        if header[: len(MAGIC)] != MAGIC or len(header) < len(MAGIC) + SALT:
            raise DamagedBackupError(f"{name} is not encrypted as its manifest says, or was truncated")
        self._frames = _Frames(key, aad, header)
        self._next: bytes = self._exactly(FRAME + TAG)
        self._plain = memoryview(b"")
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(FRAME), b""))
        if size and not self._plain and not self._ended:
            self._open_frame()
        data, self._plain = self._plain[:size], self._plain[size:]
        return bytes(data)

    def _open_frame(self) -> None:
        from cryptography.exceptions import InvalidTag

        sealed, self._next = self._next, self._exactly(FRAME + TAG)
        final = not self._next
        try:
            self._plain = memoryview(self._frames.open(sealed, final=final))
        except (InvalidTag, ValueError) as err:
            # ValueError: what is shorter than a tag.
            raise DamagedBackupError(
                f"{self._name} cannot be decrypted: it was altered, truncated, or belongs to another place",
                "Choose another backup.",
            ) from err
        self._ended = final

    def _exactly(self, size: int) -> bytes:
        """So many bytes, or fewer where the file ends."""
        parts: list[bytes] = []
        while size and (part := self._reader.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _decrypt(arn: str, wrapped: str, context: Mapping[str, str]) -> bytes:
    with _naming(arn):
        try:
            blob = base64.b64decode(wrapped, validate=True)
        except (ValueError, TypeError) as err:
            raise SecretError(f"KMS key {arn} cannot be used: its wrapped key cannot be read") from err
        answer = _client(arn).decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionContext=dict(context))
    plaintext: bytes = answer["Plaintext"]
    if len(plaintext) != _KEY_BYTES:
        raise SecretError(f"KMS key {arn} cannot be used: what it wraps is no data key")
    return plaintext


@contextmanager
def _naming(arn: str) -> Iterator[None]:
    try:
        yield
    except aws.failures() as err:
        reason, hint = aws.explain(err)
        if aws.is_unreachable(err) and _region(arn) != aws.own_region():
            hint = _NO_WAY.format(region=_region(arn))
        raise SecretError(f"KMS key {arn} cannot be used: {reason}", hint) from err


def _client(arn: str) -> Any:
    region = _region(arn)
    if not region:
        raise SecretError(f"'{arn}' is not the ARN of a KMS key", "Use arn:aws:kms:REGION:ACCOUNT:key/ID.")
    return aws.patient_client("kms", region)


def _region(arn: str) -> str:
    form = _ARN.fullmatch(arn)
    return form[1] if form else ""


def _text(blob: bytes) -> str:
    return base64.b64encode(blob).decode()
