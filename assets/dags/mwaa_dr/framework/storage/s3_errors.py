"""S3's refusals as StorageError, one clear line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mwaa_dr.framework import aws
from mwaa_dr.framework.errors import MissingObjectError, StorageError

_ABSENT = ("404", "NoSuchKey", "NoSuchVersion")


@contextmanager
def s3_errors(what: str, *, absent: str = "", look_for_bucket: Callable[[], None] | None = None) -> Iterator[None]:
    """Say `what` could not be done and why.

    The answer to a HEAD has no body: its bare 404 is read as the code `absent`, or else as a missing
    object, once `look_for_bucket` has not raised.
    """
    try:
        yield
    except aws.failures() as err:
        if aws.error_code(err) in _ABSENT and not absent:
            if look_for_bucket:
                look_for_bucket()
            raise MissingObjectError(f"{what}: it does not exist") from err
        reason, hint = aws.explain(err, absent=absent)
        raise StorageError(f"{what}: {reason}", hint) from err
