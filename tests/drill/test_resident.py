"""The Python that stays: what is asked of it runs in a process of its own, as it would anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.resident import Resident
from tests.support.waiting import until


@pytest.fixture
def resident(tmp_path: Path) -> Iterator[Resident]:
    """One in a folder of its own; there is no Airflow here, and none is needed."""
    found = Resident(Path(sys.executable), tmp_path)
    yield found
    found.end()


def test_a_program_has_its_arguments_its_input_and_its_output(resident: Resident) -> None:
    code = "import sys; print(sys.argv[1:], sys.stdin.read()); print('trouble', file=sys.stderr)"
    done = resident.run("python", "-c", code, "a", "b c", environment={}, text="read\nthis")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['a', 'b c'] read\nthis\n", "trouble\n")


def test_a_script_is_run_as_the_main_module(resident: Resident, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nif __name__ == '__main__':\n    sys.exit(sys.argv[0] + ' cannot')\n")
    done = resident.run("python", str(script), environment={})
    assert (done.returncode, done.stderr) == (1, f"{script} cannot\n")


@pytest.mark.parametrize(("end", "status"), [("pass", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1)])
def test_it_has_the_status_of_the_program(resident: Resident, end: str, status: int) -> None:
    done = resident.run("python", "-c", end, environment={})
    assert done.returncode == status
    assert ("ZeroDivisionError" in done.stderr) is (end == "1 / 0")


def test_nothing_of_a_program_is_left_for_the_next_one(resident: Resident) -> None:
    both = "import os, sys; print(os.getpid(), hasattr(sys, 'left'), os.environ.get('LEFT')); "
    leaves = both + "sys.left = os.environ['LEFT'] = 'here'; sys.stdout.flush(); os.kill(os.getpid(), 9)"
    killed = resident.run("python", "-c", leaves, environment={})
    after = resident.run("python", "-c", both, environment={})
    assert (killed.returncode, after.returncode) == (-9, 0)
    assert killed.stdout.split()[0] != after.stdout.split()[0]
    assert after.stdout.split()[1:] == ["False", "None"]


def test_it_begins_anew_where_the_environment_is_another_but_for_airflows_variables(resident: Resident) -> None:
    asked = ("python", "-c", "import os; print(os.getppid(), os.environ.get('AIRFLOW_VAR_A'), os.environ.get('B'))")
    seen = [
        resident.run(*asked, environment=environment).stdout.split()
        for environment in ({"AIRFLOW_VAR_A": "1"}, {}, {"B": "1"}, {"B": "1", "AIRFLOW_VAR_A": "2"})
    ]
    assert [told[1:] for told in seen] == [["1", "None"], ["None", "None"], ["None", "1"], ["2", "1"]]
    parents = [told[0] for told in seen]
    assert (parents[0], parents[2]) == (parents[1], parents[3])
    assert parents[0] != parents[2]


def test_what_takes_too_long_is_given_up_and_answers_nobody_else(resident: Resident) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        resident.run("python", "-c", "import time; time.sleep(3); print('late')", environment={}, seconds=1)
    assert resident.run("python", "-c", "print('next')", environment={}).stdout == "next\n"


def printed(output: Path, wanted: str) -> str:
    """What a program has added to its file, as soon as it ends with what is wanted."""
    until(lambda: output.exists() and output.read_text().endswith(wanted), f"the end of {output.name}")
    return output.read_text()


def test_what_is_begun_goes_on_in_a_session_of_its_own_and_prints_into_its_file(
    resident: Resident, tmp_path: Path
) -> None:
    output = tmp_path / "a.out"
    output.write_text("before\n")
    waits = "import os, sys, time; print(os.getpid(), os.getsid(0), os.environ['AIRFLOW_VAR_A'], flush=True); "
    code = waits + "print('trouble', file=sys.stderr, flush=True); time.sleep(300)"
    begun = resident.begin("python", "-c", code, environment={"AIRFLOW_VAR_A": "1"}, output=output)
    assert printed(output, "trouble\n") == f"before\n{begun.pid} {begun.pid} 1\ntrouble\n"
    assert resident.run("python", "-c", "print('meanwhile')", environment={}).stdout == "meanwhile\n"
    begun.wait(0.1)
    assert begun.lives()
    begun.terminate()
    begun.wait()
    begun.terminate()  # nobody is there any more
    assert not begun.lives()
    assert resident.status_of(begun, {}) == -signal.SIGTERM


@pytest.mark.parametrize(("end", "status"), [("pass", 0), ("raise SystemExit(3)", 3)])
def test_how_it_ended_is_told_when_it_has(resident: Resident, tmp_path: Path, end: str, status: int) -> None:
    code = f"import time; time.sleep(0.3); {end}"
    begun = resident.begin("python", "-c", code, environment={}, output=tmp_path / "a.out")
    assert resident.status_of(begun, {}) == status


def test_who_holds_it_is_told_everything_that_was_begun(resident: Resident, tmp_path: Path) -> None:
    code = "import time; time.sleep(300)"
    begun = [resident.begin("python", "-c", code, environment={}, output=tmp_path / f"{n}.out") for n in range(2)]
    assert resident.process
    own = resident.process.pid
    assert resident.held() == {own, *(one.pid for one in begun)}
    for session in (own, *(one.pid for one in begun)):
        os.killpg(session, signal.SIGKILL)
    for one in begun:
        one.wait()


def test_where_nothing_was_asked_for_nothing_is_held(resident: Resident) -> None:
    assert resident.held() == set()


def test_when_it_is_killed_the_program_is_said_to_be(resident: Resident) -> None:
    killer = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    assert resident.run("python", "-c", killer, environment={}).returncode == -9
    assert resident.run("python", "-c", "print('next')", environment={}).stdout == "next\n"
