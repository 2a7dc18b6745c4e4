"""What is true of every function: it brings nothing along."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lib.functions

FOLDER = Path(lib.functions.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
OURS = "lib.functions"
LAMBDA_HAS = {*sys.stdlib_module_names, "boto3", "botocore"}


def name_of(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join([OURS, *(part for part in parts if part != "__init__")])


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_imports_only_what_lambda_has(path: Path) -> None:
    other = {name for name in imported(path) if name.split(".")[0] not in LAMBDA_HAS}
    assert {name for name in other if name != OURS and not name.startswith(f"{OURS}.")} == set()
