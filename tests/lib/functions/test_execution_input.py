"""The flags of an execution, as people write them."""

from __future__ import annotations

import pytest

from lib.functions.errors import Misconfigured
from lib.functions.execution_input import ExecutionInput, handler, read


def test_without_flags_the_primary_is_asked_and_dags_are_activated() -> None:
    assert handler({"input": {}}, None) == {"simulate": False, "force": False, "activate_dags": True}


@pytest.mark.parametrize("yes", ["YES", "yes", " Yes ", True])
def test_yes_is_taken_in_any_case(yes: object) -> None:
    assert read({"simulate_dr": yes, "force": yes}) == ExecutionInput(simulate=True, force=True)


@pytest.mark.parametrize("no", ["NO", "no", False])
def test_no_is_taken_in_any_case(no: object) -> None:
    assert read({"activate_dags": no, "simulate_dr": no}) == ExecutionInput(activate_dags=False)


def test_the_name_of_a_flag_is_taken_in_any_case() -> None:
    assert read({"Simulate_DR": "YES"}) == ExecutionInput(simulate=True)


def test_what_was_read_is_read_again_to_the_same() -> None:
    given = handler({"input": {"force": "YES", "activate_dags": "NO"}}, None)
    assert handler({"input": given}, None) == given


def test_what_the_console_adds_is_no_mistake() -> None:
    added = {"Comment": "Insert your JSON here", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn"}
    assert read(added) == ExecutionInput()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"simulate-dr": "YES"}, 'the input has "simulate-dr"; HINT: Known are simulate_dr, force, activate_dags'),
        ({"simulate_dr": "maybe"}, 'the input has simulate_dr = "maybe"; HINT: It is YES or NO.'),
        ({"force": 1}, "the input has force = 1; HINT: It is YES or NO."),
        ({"force": None}, "the input has force = null"),
        (["YES"], 'the input is ["YES"]; HINT: It is an object'),
        ("YES", 'the input is "YES"'),
        (None, "the input is null"),
        ({"x" * 500: "YES"}, 'the input has "xxx'),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(given: object, words: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(given)
    assert str(refused.value).startswith(words)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250
