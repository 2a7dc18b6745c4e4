"""Fernet as Airflow has it, and errors that never show a value."""

from __future__ import annotations

import traceback

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from mwaa_dr.framework.errors import SecretError
from mwaa_dr.framework.secrets import SecretBox

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def told(error: pytest.ExceptionInfo[SecretError]) -> str:
    """All that a log could show of an error."""
    return "".join(traceback.format_exception(error.value)) + repr(error.value.__context__)


@given(st.text().filter(lambda text: text.strip() != "***"))
def test_a_value_comes_back(text: str) -> None:
    box = SecretBox(NEW)
    assert box.has_key
    assert box.decrypt("variable 'x'", box.encrypt(text)) == text
    assert Fernet(NEW.encode()).decrypt(box.encrypt(text).encode()).decode() == text


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    token = SecretBox(OLD).encrypt("value")
    both = SecretBox(f"{NEW},{OLD}")
    assert both.decrypt("variable 'x'", token) == "value"
    assert SecretBox(NEW).decrypt("variable 'x'", both.encrypt("value")) == "value"
    assert SecretBox(f" {NEW} , {OLD} ").decrypt("variable 'x'", token) == "value"


@pytest.mark.parametrize("empty", ["", " "])
def test_without_a_key_nothing_is_encrypted(empty: str) -> None:
    box = SecretBox(empty)
    assert not box.has_key
    assert box.encrypt("plain") == "plain"
    with pytest.raises(SecretError, match="connection 'x' password is encrypted, and no Fernet key is set"):
        box.decrypt("connection 'x' password", SecretBox(NEW).encrypt("value"))


@pytest.mark.parametrize("token", ["gAAAAA", "not a token", "\N{SNOWMAN}", SecretBox(OLD).encrypt("hidden") + "A"])
def test_what_cannot_be_decrypted_is_named_by_its_label_only(token: str) -> None:
    with pytest.raises(SecretError, match="variable 'x' cannot be decrypted") as caught:
        SecretBox(NEW).decrypt("variable 'x'", token)
    assert token not in told(caught)


def test_the_wrong_key_is_named_by_the_label_only() -> None:
    with pytest.raises(SecretError, match="variable 'x' cannot be decrypted") as caught:
        SecretBox(NEW).decrypt("variable 'x'", SecretBox(OLD).encrypt("value"))
    assert NEW not in told(caught)
    assert OLD not in told(caught)


def test_a_value_that_is_no_text_is_never_shown() -> None:
    token = Fernet(NEW.encode()).encrypt(b"hidden \xff\xfe").decode()
    with pytest.raises(SecretError, match="variable 'x' cannot be decrypted") as caught:
        SecretBox(NEW).decrypt("variable 'x'", token)
    assert "hidden" not in told(caught)


def test_a_masked_value_is_an_error_wherever_it_shows_up() -> None:
    box = SecretBox(NEW)
    masked = Fernet(NEW.encode()).encrypt(b"***").decode()
    for token in ("***", masked):
        with pytest.raises(SecretError, match="variable 'x' holds a masked value"):
            box.decrypt("variable 'x'", token)
    with pytest.raises(SecretError, match="variable 'x' holds a masked value"):
        SecretBox("").encrypt("***", "variable 'x'")
    assert box.decrypt("variable 'x'", box.encrypt("a *** b")) == "a *** b"


def test_an_empty_value_stays_empty() -> None:
    assert SecretBox(NEW).decrypt("variable 'x'", "") == ""
    assert SecretBox("").decrypt("variable 'x'", "") == ""


@pytest.mark.parametrize(
    ("keys", "which"),
    [
        ("too-short", "key 1 of 1"),
        (f"{NEW},sesame-open", "key 2 of 2"),
        (f"{NEW},", "key 2 of 2"),
        (NEW[:-2], "key 1 of 1"),
        ("\N{SNOWMAN}" * 44, "key 1 of 1"),
        (",", "key 1 of 2"),
    ],
    ids=["short", "second", "empty second", "cut", "no base64", "empty"],  # the keys differ from run to run
)
def test_a_malformed_key_is_told_by_its_place_and_never_shown(keys: str, which: str) -> None:
    with pytest.raises(SecretError, match=f"{which} cannot be used") as caught:
        SecretBox(keys)
    for key in keys.split(","):
        assert not key or key not in told(caught)
