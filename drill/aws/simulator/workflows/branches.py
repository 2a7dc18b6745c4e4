"""Parallel and inline Map: one frame for each branch or item; when one fails, the others are over.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html: when a branch fails, the state has failed
and all its branches are stopped.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from drill.aws.simulator.workflows.frame import Frame
from drill.aws.simulator.workflows.lifeline import Lifeline, OverError, current

Walk = Callable[[Frame], Any]


def run_parallel(frame: Frame, state: dict[str, Any], walk: Walk) -> list[Any]:
    """The outputs of all branches."""
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        data = stepfunctions._apply_jsonata_arguments(state, frame.data, frame.context)
    else:
        data = stepfunctions._apply_input_path(state, frame.data, frame.context)
        data = stepfunctions._apply_parameters(state, data, frame.context)
    frame.note("ParallelStateStarted")
    outputs = _run([frame.child(n, branch, data) for n, branch in enumerate(state["Branches"])], walk)
    frame.note("ParallelStateSucceeded")
    return outputs


def run_map(frame: Frame, state: dict[str, Any], walk: Walk) -> list[Any]:
    """The outputs of all items, in their order."""
    processor = state.get("ItemProcessor") or state["Iterator"]
    if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        raise stepfunctions._ExecutionError("States.Runtime", "this simulator knows inline Maps only")
    items = _items(frame, state)
    frame.note("MapStateStarted", mapStateStartedEventDetails={"length": len(items)})
    children = [
        frame.child(n, processor, _item(frame, state, n, item), Map={"Item": {"Index": n, "Value": item}})
        for n, item in enumerate(items)
    ]
    outputs = _run(children, walk, int(state.get("MaxConcurrency", 0)))
    frame.note("MapStateSucceeded")
    return outputs


def _items(frame: Frame, state: dict[str, Any]) -> list[Any]:
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        items = stepfunctions._apply_jsonata_template(state.get("Items", frame.data), frame.data, frame.context)
    else:
        data = stepfunctions._apply_input_path(state, frame.data, frame.context)
        items = stepfunctions._resolve_path_or_ctx(state.get("ItemsPath", "$"), data, frame.context)
    if not isinstance(items, list):
        raise stepfunctions._ExecutionError("States.Runtime", "the items of a Map are not an array")
    return items


def _item(frame: Frame, state: dict[str, Any], number: int, item: Any) -> Any:
    selector = state.get("ItemSelector") or state.get("Parameters")
    if not selector:
        return item
    context = {**frame.context, "Map": {"Item": {"Index": number, "Value": item}}}
    if stepfunctions._state_query_language(state, frame.context) == "JSONata":
        return stepfunctions._apply_jsonata_template(selector, frame.data, context)
    data = stepfunctions._apply_input_path(state, frame.data, frame.context)
    return stepfunctions._resolve_params_obj(selector, data, context)


def _run(children: list[Frame], walk: Walk, most: int = 0) -> list[Any]:
    shared, errors = Lifeline(current.get()), []
    slots = threading.Semaphore(most or max(len(children), 1))

    def run(child: Frame) -> None:
        current.set(shared)
        with slots:
            try:
                shared.check()
                walk(child)
            except OverError:
                return
            except Exception as error:  # noqa: BLE001 - it is raised again by the state
                errors.append(error)
                shared.end()

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run, child), daemon=True)
        for child in children
        if not child.is_done
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    current.get().check()
    return [child.data for child in children]
