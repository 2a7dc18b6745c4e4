"""The user's .env with one product in it: a rehearsal deploys disaster recovery, or stop and start."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from dotenv.parser import parse_stream

from drill.venvs import DrillError
from lib.config.catalog import Product, base_and_environment, deploying, products
from lib.config.findings import ConfigError
from lib.config.sources import read_sources

OTHER = {Product.RECOVERY: Product.START_STOP, Product.START_STOP: Product.RECOVERY}
BOTH = frozenset(OTHER)


def configured(env_file: Path) -> frozenset[Product]:
    """The products that a .env, or the environment, deploys; the example is for both."""
    if env_file.name != ".env":
        return BOTH
    bases = {base_and_environment(name)[0] for name in names_in(env_file, os.environ)}
    return frozenset(product for product in BOTH if bases & deploying(product))


def names_in(env_file: Path, environ: Mapping[str, str] = MappingProxyType({})) -> set[str]:
    """The variables that are set to something."""
    try:
        return {*read_sources(env_file, environ).names()}
    except ConfigError as err:
        raise DrillError(f"{env_file.name} cannot be deployed: {err}") from err


def copy(
    env_file: Path,
    product: Product,
    folder: Path,
    *,
    without: tuple[str, ...] = (),
    more: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """A copy of the file in a folder: without the other product and these variables, with `more` in the end."""
    if product not in configured(env_file):
        raise missing(env_file, product)
    how = {"encoding": "utf-8", "errors": "surrogateescape"}  # what is wrong with it the configuration says better
    left_out = _left_out(product, without)
    kept = [
        binding.original.string
        for binding in parse_stream(io.StringIO(env_file.read_text(**how)))
        if base_and_environment(binding.key or "")[0] not in left_out
    ]
    target = folder / env_file.name
    lines = [f"{name}='{value}'\n" for name, value in more.items()]
    target.write_text("".join([*kept, "\n", *lines]), **how)
    return target


def missing(env_file: Path, product: Product) -> DrillError:
    """What is said where a product is to be rehearsed that a file does not configure."""
    first = {Product.RECOVERY: "DR_TYPE", Product.START_STOP: "MWAA_ENV_NAME"}[product]
    return DrillError(f"{env_file.name} configures no {product.value}", f"Set {first} and its variables.")


def hidden(product: Product, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """What the environment must not say either: those variables of it, as nothing."""
    left_out = _left_out(product, without)
    return {name: "" for name in os.environ if base_and_environment(name)[0] in left_out}


def _left_out(product: Product, without: tuple[str, ...]) -> frozenset[str]:
    return frozenset([*_others(product), *without])


def _others(product: Product) -> Iterator[str]:
    return (name for name, owner in products().items() if owner is OTHER[product])
