"""Fernet as Airflow uses it."""

from __future__ import annotations

from cryptography.fernet import Fernet


def encrypted(key: str, text: str) -> str:
    return Fernet(key.encode()).encrypt(text.encode()).decode()


def decrypted(key: str, token: str) -> str:
    return Fernet(key.encode()).decrypt(token.encode()).decode()
