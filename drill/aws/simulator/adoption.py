"""CloudFormation: a bucket that a change set adopts is no conflict of names.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html; what is adopted
keeps its configuration, whatever the template says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks


def mend() -> None:
    """Tell the validation before a deployment which buckets the stack is about to own."""
    validate = stacks._validation_errors

    def validate_others(*stack: Any) -> Any:
        (*context, stack_id), owned = stack[:7], stack[7] if len(stack) > 7 else frozenset()
        return validate(*context, stack_id, owned | {*_adopted(stack_id)})

    stacks._validation_errors = validate_others


def _adopted(stack_id: str) -> Iterator[str]:
    for change_set in cloudformation._change_sets.values():
        if change_set["StackId"] == stack_id:
            for identifier in (change_set.get("_import_existing") or {}).values():
                yield from identifier.values()
