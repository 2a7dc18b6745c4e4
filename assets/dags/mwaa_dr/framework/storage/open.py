"""From the storage URL that a person gives to the storage."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.storage import Storage

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_HINT = "Use s3://bucket/prefix, file:///folder, or the path of a folder."


def open_storage(url: str, *, kms_key_arn: str = "", region: str = "") -> Storage:
    """The storage at `s3://bucket/prefix`, `file:///folder` or a plain path; raise SettingError for all else.

    `kms_key_arn` is the key that S3 encrypts every object with (SSE-KMS); a folder has no use for it.
    """
    scheme = _SCHEME.match(url)
    if not scheme:
        if not url.strip() or "\0" in url:
            raise SettingError("no storage is named", _HINT)
        return LocalStorage(Path(url))
    name = scheme[1].lower()
    if name == "s3":
        return _open_s3(url, kms_key_arn, region)
    if name == "file":
        return LocalStorage(_folder(url))
    raise SettingError(f"storage '{name}' is not known", _HINT)


def _open_s3(url: str, kms_key_arn: str, region: str) -> Storage:
    bucket, _, prefix = url[len("s3:") :].lstrip("/").partition("/")
    if not url.lower().startswith("s3://") or url.startswith("///", 3) or not _BUCKET.fullmatch(bucket):
        raise SettingError(f"'{url}' names no bucket", _HINT)
    parts = prefix.strip("/").split("/")
    if prefix.strip("/") and any(part in ("", ".", "..") for part in parts):
        raise SettingError(f"'{url}' has a prefix that is not allowed", _HINT)
    return S3Storage(bucket, prefix, kms_key_arn=kms_key_arn, region=region)


def _folder(url: str) -> Path:
    path = url[len("file:") :]
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        if host not in ("", "localhost") or not slash:
            raise SettingError(f"'{url}' names no folder of this machine", _HINT)
        path = slash + rest
    return Path(unquote(path))
