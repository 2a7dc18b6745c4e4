"""Write docs/health.md: each status of the environment x each heartbeat, and the answer of the health check.

Run it after a change of the verdict: python -m docs.health
"""

from __future__ import annotations

from pathlib import Path

from docs.markdown import code, grid
from lib.functions.health.heartbeat import PERIOD, PERIODS, SEEN_WITHIN, SETTLING
from lib.functions.health.verdict import STATUS_WORDS, TABLE, WITH_STOP, Answer, Heartbeat, Status, Stop, judge
from lib.functions.health_check import HAS_LIVED, LONGEST_START

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
<!-- Written by docs/health.py from lib/functions/health; do not edit. -->
# The health check

A function in the secondary Region, outside any VPC, asks four services at the same time: MWAA and CloudWatch in the
primary Region, the table of records in the secondary Region, and STS in a third, the witness Region
(`HEALTH_CHECK_WITNESS_REGION`). Its answer carries the reason, into the history of the execution and into the
notification.

*Unhealthy* and *unknown* are asked again (`HEALTH_CHECK_MAX_RETRY`) before anything is done. Still unhealthy, and as
often in a row as `HEALTH_CHECK_CONSECUTIVE` says: recovery begins. Still unknown: somebody is told, at once and then
every hour; recovery begins only with `HEALTH_CHECK_FAILOVER_ON_UNKNOWN=YES`, where unknown checks count like unhealthy
ones. A check that crashes or takes longer than `HEALTH_CHECK_TIMEOUT_SECS` is unknown.

`MWAA_SIMULATE_DR=YES`, or `{"simulate_dr": "YES"}` as the input of an execution, makes the answer unhealthy at once.
A person's refusal of a recovery (`FAILOVER_APPROVAL=MANUAL`) holds for all other checks until the primary has been
healthy again.
"""
HEARTBEATS = f"""
## Heartbeats

`SchedulerHeartbeat` is looked at in the last {PERIODS} aligned periods of {PERIOD.seconds // 60} minutes that have been
over for {SETTLING.seconds} seconds, and in what came after them.
"""
ANSWERS = """
## Answers
"""
NOTES = """
\\* Neither service answers: the Region counts as failed only when the secondary and the witness Region answered in the
same check. Otherwise, or without a witness Region, our own network may be the reason, and the answer is unknown.
"""
STOPS = """
## A stop on purpose

A stop leaves a record in the table, until a start forgets it. *Stopped* ends the check.
"""
RECORDS = {
    Stop.NONE: "none",
    Stop.RECORDED: "there",
    Stop.LEFT_BEHIND: "there, but MWAA says that the environment was created after the stop and more than "
    f"{LONGEST_START.seconds // 3600} hours ago, and is {' or '.join(map(code, sorted(HAS_LIVED)))}: it was left "
    "behind, by who created or restored it without `./build.sh start ENV`, which forgets it",
    Stop.NOT_TOLD: "the table does not answer: it may be there",
}
MEANINGS = {
    Heartbeat.BEATING: "the scheduler's heart beats, in one of these periods or after them",
    Heartbeat.SILENT: "no beat, but in each of these periods another metric of the environment arrived (CPU of the web "
    "server, connections of the database, heartbeat of the workers)",
    Heartbeat.LATE: "no beat, and no other metric in one of these periods: CloudWatch may be late",
    Heartbeat.FILTERED: f"no beat, and none was seen in {SEEN_WITHIN.days * 24} hours or since the environment was "
    "created, or its options (`metrics.statsd_on`, allow and block lists) keep it from being sent",
    Heartbeat.NO_ANSWER: "CloudWatch refuses the connection, times out or answers 5xx",
    Heartbeat.NOT_TOLD: "CloudWatch denies or throttles, its answer is not whole, or the call crashes",
}


def page() -> str:
    """The whole page."""
    heartbeats = [[code(heartbeat.value), MEANINGS[heartbeat]] for heartbeat in Heartbeat]
    answers = [[_status(status), *(_answer(status, heartbeat) for heartbeat in Heartbeat)] for status in TABLE]
    stops = [[RECORDS[stop], *(_shown(answer) for answer in WITH_STOP[stop].values())] for stop in Stop]
    return "\n".join(
        [
            HEAD + HEARTBEATS,
            grid(["heartbeat", "what was seen"], heartbeats) + ANSWERS,
            grid(["MWAA", *(code(heartbeat.value) for heartbeat in Heartbeat)], answers) + NOTES + STOPS,
            grid(["the record", *(_shown(answer) for answer in WITH_STOP[Stop.NONE])], stops),
        ]
    )


def _status(status: Status) -> str:
    return STATUS_WORDS.get(status) or code(status.value)


def _answer(status: Status, heartbeat: Heartbeat) -> str:
    answer = judge(status, heartbeat)
    words = _shown(answer)
    return words if answer is judge(status, heartbeat, network_works=False) else f"{words}\\*"


def _shown(answer: Answer) -> str:
    return f"**{answer.value.lower()}**" if answer is Answer.UNHEALTHY else answer.value.lower()


if __name__ == "__main__":
    PAGE.write_text(page())
