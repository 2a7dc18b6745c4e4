"""Where the note of a stop lies in the backup bucket, for those who write it, allow it, or tell others of it."""

from __future__ import annotations


def note_folder(environment: str, region: str) -> str:
    """The folder of an environment's note.

    >>> note_folder("prod", "us-east-1")
    'stops/prod.us-east-1/'
    """
    return f"stops/{environment}.{region}/"


def note_key(environment: str, region: str) -> str:
    """The key of an environment's note.

    >>> note_key("prod", "us-east-1")
    'stops/prod.us-east-1/active.json'
    """
    return f"{note_folder(environment, region)}active.json"
