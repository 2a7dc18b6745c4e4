"""The outline of a state machine: which state leads to which, and when. As text and as a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

COMPARISONS = ("StringEquals", "BooleanEquals")

Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """From a state to the next one."""

    state: str
    when: str
    """Empty: always."""
    next: str


@dataclass(frozen=True)
class Outline:
    """Every way of a state machine, in the order in which they are reached."""

    kinds: Mapping[str, str]
    """State -> its type, in the order of the outline."""
    ways: tuple[Way, ...]

    def text(self) -> str:
        """One line for each way; a state with several is named once."""
        lines: list[str] = []
        for state, kind in self.kinds.items():
            ways = [way for way in self.ways if way.state == state]
            if len({way.next for way in ways}) == 1 and not ways[0].when:
                lines.append(f"{state} -> {', also '.join([ways[0].next, *(way.when for way in ways[1:])])}")
                continue
            lines.append(f"{state}{'' if ways else f' ({kind.lower()})'}")
            lines += [f"    {f'{way.when} -> ' if way.when else '-> '}{way.next}" for way in ways]
        return "\n".join(lines) + "\n"

    def mermaid(self) -> str:
        """A flow chart; an error is drawn where it leads elsewhere than success, and than back to where it was."""
        drawn = {state: kind for state, kind in self.kinds.items() if state not in self._detours()}
        ids = {state: f"s{number}" for number, state in enumerate(drawn, start=1)}
        ways = [way for way in self.ways if {way.state, way.next} <= drawn.keys()]
        arrows = [way for way in ways if not (way.when.startswith("on ") and replace(way, when="") in ways)]
        nodes = [f"    {ids[state]}{_shape(kind, state)}" for state, kind in drawn.items()]
        return "\n".join(["flowchart TD", *nodes, *(f"    {_arrow(way, ids)}" for way in arrows)]) + "\n"

    def _detours(self) -> set[str]:
        """The states to which an error leads, and which lead back to the one that had it."""
        back = {(way.next, way.state) for way in self.ways}
        return {way.next for way in self.ways if way.when.startswith("on ") and (way.state, way.next) in back}


def outline(definition: Mapping[str, Any]) -> Outline:
    """Read the outline of a definition in Amazon States Language, from its first state on."""
    states = definition["States"]
    order = _depth_first(states, definition["StartAt"])
    return Outline(
        {name: states[name]["Type"] for name in order},
        tuple(way for name in order for way in _ways(name, states[name])),
    )


def _depth_first(states: Mapping[str, Any], first: str) -> list[str]:
    """Each state right after the one that leads to it, ends of a choice before its main way."""
    order: dict[str, None] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = None
            waiting += [way.next for way in reversed([*_ways(name, states[name])])]
    return [*order]


def _ways(name: str, state: Mapping[str, Any]) -> Iterator[Way]:
    for rule in state.get("Choices", ()):
        yield Way(name, condition(rule), rule["Next"])
    for key, when in (("Default", "otherwise"), ("Next", "")):
        if key in state:
            yield Way(name, when, state[key])
    for catcher in state.get("Catch", ()):
        errors = " or ".join(catcher["ErrorEquals"]).replace("States.ALL", "any error")
        yield Way(name, f"on {errors}", catcher["Next"])


def condition(rule: Rule) -> str:
    """A rule of a choice in words, with the last part of each path.

    >>> condition({"Or": [{"Variable": "$.a.b", "StringEquals": word} for word in ("C", "D")]})
    'b = C or D'
    """
    if "And" in rule:
        return " and ".join(condition(part) for part in rule["And"])
    if "Or" in rule:
        names, values = zip(*(condition(part).split(" = ") for part in rule["Or"]), strict=True)
        (name,) = {*names}
        return f"{name} = {' or '.join(values)}"
    if "Not" in rule:
        return f"not {condition(rule['Not'])}"
    name = str(rule["Variable"]).rpartition(".")[2]
    if "IsPresent" in rule:
        return name
    (value,) = (rule[comparison] for comparison in COMPARISONS if comparison in rule)
    return f"{name} = {str(value).lower() if isinstance(value, bool) else value}"


def _shape(kind: str, state: str) -> str:
    before, after = {"Choice": ("{", "}"), "Succeed": ("([", "])"), "Wait": ("[/", "/]")}.get(kind, ("[", "]"))
    return f'{before}"{state}"{after}'


def _arrow(way: Way, ids: Mapping[str, str]) -> str:
    line = "-.->" if way.when.startswith("on ") else "-->"
    label = f'|"{way.when}"|' if way.when else ""
    return f"{ids[way.state]} {line}{label} {ids[way.next]}"
