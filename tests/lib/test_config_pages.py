"""The pages that are written from the configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.configuration import EXAMPLE, PAGE, env_example, example_environ, page
from lib.config import Config
from lib.config.catalog import ENTRIES, Product, products

ASSIGNMENT = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]+=)", re.MULTILINE)


def load(folder: Path, text: str) -> Config:
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return Config.load(file, {})


@pytest.mark.parametrize(("file", "text"), [(PAGE, page()), (EXAMPLE, env_example())], ids=["page", "example"])
def test_a_written_file_is_what_the_configuration_declares_now(file: Path, text: str) -> None:
    assert file.read_text(encoding="utf-8") == text, "run: PYTHONPATH=. python docs/configuration.py"


def test_the_example_deploys_disaster_recovery_without_a_doubt(tmp_path: Path) -> None:
    config = load(tmp_path, env_example())
    assert config.disaster_recovery
    assert not config.start_stop
    assert config.warnings == ()


def test_the_defaults_that_the_example_shows_are_the_defaults(tmp_path: Path) -> None:
    own = {
        "MWAA_VPC_ID",
        "MWAA_COST_PER_HOUR",
        *(name for name, product in products().items() if product is Product.START_STOP),
    }
    shown = ASSIGNMENT.sub(lambda found: found[0] if found[1][:-1] in own else found[1], env_example())
    assert load(tmp_path, shown) == load(tmp_path, env_example())


def test_with_every_comment_taken_away_the_example_deploys_both(tmp_path: Path) -> None:
    text = ASSIGNMENT.sub(r"\1", env_example()).replace("MWAA_VPC_ID=", "# ")
    config = load(tmp_path, text)
    assert config.disaster_recovery
    assert config.start_stop
    assert config.warnings == ()
    (environment,) = config.start_stop.environments
    assert environment.cost_per_hour == 0.49


@pytest.mark.parametrize("wanted", [(Product.RECOVERY,), (Product.START_STOP,), (Product.RECOVERY, Product.START_STOP)])
def test_the_examples_alone_deploy_what_they_are_for(wanted: tuple[Product, ...]) -> None:
    config = Config.load(None, example_environ(*wanted))
    assert bool(config.disaster_recovery) is (Product.RECOVERY in wanted)
    assert bool(config.start_stop) is (Product.START_STOP in wanted)


def test_no_variable_is_declared_twice() -> None:
    names = [row.name for entry in ENTRIES for row in entry.variables()]
    assert len(names) == len(set(names))


def test_the_page_has_a_row_for_each_variable() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page(), re.MULTILINE)
    assert sorted(rows) == sorted(products())
