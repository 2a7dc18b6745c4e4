"""What can go wrong around the local AWS, in words."""

from __future__ import annotations


class LocalAwsError(Exception):
    """The local AWS cannot do what was asked; one line says why, and a hint what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\nHINT: {hint}" if hint else message)
