"""Cron expressions, field by field, and those that Airflow takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.config.kinds import Kind

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
"""Month -> the last day that it can have."""

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""Preset -> what Airflow reads it as: https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/cron.html"""


@dataclass(frozen=True)
class CronField:
    """One field: its bounds, and words for its numbers from `low` on."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    wraps: bool = False
    """Whether a range may go over the end, as FRI-MON."""

    def number(self, text: str) -> int:
        """One number, or a word for it."""
        if text.upper() in self.words:
            return self.words.index(text.upper()) + self.low
        if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not self.low <= int(text) <= self.high:
            raise ValueError(f"{self.name}: {text[:20]!r} is not {self.low} to {self.high}")
        return int(text)

    def numbers(self, text: str) -> frozenset[int]:
        """All numbers that a list of numbers, ranges and steps means."""
        return frozenset(number for item in text.split(",") for number in self._item(item))

    def _item(self, text: str) -> list[int]:
        span, slash, step = text.partition("/")
        if slash and not (re.fullmatch(r"\d{1,4}", step, re.ASCII) and int(step)):
            raise ValueError(f"{self.name}: the step {step[:20]!r} is no number above 0")
        first, dash, last = (str(self.low), "-", str(self.high)) if span == "*" else span.partition("-")
        start = self.number(first)
        end = self.number(last) if dash else self.high if slash else start
        if start > end and not self.wraps:
            raise ValueError(f"{self.name}: the range {span[:20]} goes backwards")
        found = [*range(start, self.high + 1), *range(self.low, end + 1)] if start > end else [*range(start, end + 1)]
        return found[:: int(step or 1)]


MINUTE = CronField("minute", 0, 59)
HOUR = CronField("hour", 0, 23)
DAY_OF_MONTH = CronField("day of month", 1, 31)
MONTH = CronField("month", 1, 12, MONTHS)

AIRFLOW_FIELDS = (
    CronField("minute", 0, 59, wraps=True),
    CronField("hour", 0, 23, wraps=True),
    CronField("day of month", 1, 31, wraps=True),
    CronField("month", 1, 12, MONTHS, wraps=True),
    CronField("day of week", 0, 7, DAYS, wraps=True),
)


def _airflow(text: str) -> str:
    """Checked against croniter, which Airflow reads them with; it is no dependency of ours."""
    if text.startswith("@"):
        if text not in PRESETS:
            raise ValueError
        return text
    fields = text.split()
    if len(fields) != len(AIRFLOW_FIELDS):
        raise ValueError(f"{len(fields)} fields")
    minute, hour, month_day, month, weekday = AIRFLOW_FIELDS
    for field, given in ((minute, fields[0]), (hour, fields[1]), (month, fields[3])):
        field.numbers(given)
    days = [item for item in fields[2].split(",") if item.upper() != "L"]
    numbers = month_day.numbers(",".join(days)) if days else frozenset({28})
    if is_of_weeks(fields[4]):
        if fields[2] != "*":
            raise ValueError("a week of the month is named, and so is a day")
    else:
        weekday.numbers(fields[4])
    if not any(min(numbers) <= LONGEST[number] for number in month.numbers(fields[3])):
        raise ValueError("there is no such day")
    return " ".join(fields)


def is_of_weeks(text: str) -> bool:
    """Whether each day of the week is one of a week of the month, as 5#3 (the third Friday) or L5 (the last one)."""
    found = [re.fullmatch(r"L([0-7])|([0-7A-Za-z]+)#[1-5]", item, re.ASCII) for item in text.split(",")]
    if any(found) and not all(found):
        raise ValueError("day of week: some have a week of the month, some have none")
    for match in filter(None, found):
        AIRFLOW_FIELDS[4].number(match[1] or match[2])
    return any(found)


AIRFLOW_SCHEDULE = Kind(f"a cron expression of five fields, as 0 * * * *, or {', '.join(PRESETS)}", _airflow)
