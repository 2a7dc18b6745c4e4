"""Acting in the middle of a merge, when all runs and their tasks are written and not committed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mwaa_dr.framework.database.merge import Merger
from mwaa_dr.framework.database.staging import Staged


def amid_merge(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """From now on act in the middle of each merge."""
    table = Merger._table

    def table_then_act(self: Merger, stage: Staged) -> None:
        table(self, stage)
        if stage.table.name == "task_instance":
            act()

    patch.setattr(Merger, "_table", table_then_act)
