"""What Step Functions keeps of an error: its name, and a cause that wraps what was said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LIMIT = 2000
"""Characters of a reason; the rest is in the execution's history."""


def reason(error: str, cause: str) -> str:
    """An error and what it says, without the JSON that Lambda and our own messages wrap it into.

    >>> reason("Unknown", '{"errorMessage": "{\\\\"reason\\\\": \\\\"denied\\\\"}", "errorType": "Unknown"}')
    'Unknown: denied'
    """
    said = message(cause)
    said = str(_object(said).get("reason", said))
    return (": ".join(part for part in (error, " ".join(said.split())) if part) or "no reason was given")[:LIMIT]


def message(cause: str) -> str:
    """What a Lambda function's error says; other causes are as they are."""
    return str(_object(cause).get("errorMessage", cause))


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
