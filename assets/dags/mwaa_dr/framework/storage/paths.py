"""Which object paths are allowed, for every storage."""

from __future__ import annotations

from mwaa_dr.framework.errors import StorageError


def object_path(path: str) -> str:
    """The path itself; raise StorageError for one that is empty, absolute, or leaves the root."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or not path.isprintable():
        raise StorageError(f"path {path!r} is not allowed", "Paths are relative, with plain names between '/'.")
    return path


def folder_path(path: str) -> str:
    """The path of a folder, with a `/` at its end; empty for the root itself."""
    return f"{object_path(path.rstrip('/'))}/" if path else ""
