"""Every request passes here first: our own door, faults, more checks, and the record of what was called."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from hypercorn.protocol.events import StreamClosed
from ministack import app

from drill.aws.simulator import calls, faults, state
from drill.aws.simulator.calls import Call

Answer = tuple[int, dict[str, str], Any]
Route = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer | None]]
Check = Callable[[Call, dict[str, str], bytes], Answer | None]

DOOR = "/_drill/"
# Routes answer what ministack does not know; the first one that answers is taken.
ROUTES: list[Route] = []
# Checks refuse what ministack would let pass.
CHECKS: list[Check] = []

_current: ContextVar[Call | None] = ContextVar("_current", default=None)


class HangupError(Exception):
    """The connection is closed without an answer."""


def current_call() -> Call | None:
    """The request that is being answered."""
    return _current.get()


def is_enforced() -> bool:
    """Whether IAM is."""
    return bool(app.AUTH)


def mend() -> None:
    """Put ourselves before ministack's two dispatchers, and around its ASGI application."""
    special, dispatch, shortcuts, serve = (
        app._handle_special_data_plane_request,
        app._dispatch_service_request,
        app._handle_post_body_shortcuts,
        app.app,
    )

    async def before_special(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], *rest: Any, **more: Any
    ) -> Answer | None:
        answer = await _guarded(method, path, headers, body, query)
        return answer or await special(method, path, headers, body, query, *rest, **more)

    async def before_shortcuts(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if path.startswith(DOOR):
            return await asyncio.to_thread(_opened, path[len(DOOR) :], body)
        return await shortcuts(method, path, headers, body, *rest)

    async def around(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await serve(scope, receive, send)
            return
        _current.set(None)
        with contextlib.suppress(HangupError):
            await serve(scope, receive, _noting_status(send))
            return
        stream = send.__self__ if hasattr(send, "__self__") else None
        if stream is not None:
            await stream.send(StreamClosed(stream_id=stream.stream_id))
            stream.closed = True

    app._handle_special_data_plane_request = before_special
    app._dispatch_service_request = dispatch
    app._handle_post_body_shortcuts = before_shortcuts
    app.app = around


async def _guarded(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Answer | None:
    if path.startswith("/_"):
        return None
    call = calls.understood(method, path, headers, body, query)
    calls.RECORDER.add(call)
    _current.set(call)
    fault = faults.met_by(call)
    if fault is not None:
        return await _fail(fault, call)
    for check in CHECKS:
        refused = check(call, headers, body)
        if refused is not None:
            return refused
    for route in ROUTES:
        answer = await route(method, path, headers, body, query)
        if answer is not None:
            return answer
    return None


async def _fail(fault: faults.Fault, call: Call) -> Answer:
    if fault.how == "timeout":
        while faults.is_in_force(fault):
            await asyncio.sleep(0.1)
    if fault.how in ("refuse", "timeout"):
        raise HangupError
    return faults.answer(fault, call)


def _noting_status(send: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def noting(message: dict[str, Any]) -> None:
        call = _current.get()
        if call is not None and message["type"] == "http.response.start":
            call.status = message["status"]
        await send(message)

    return noting


def _opened(path: str, body: bytes) -> Answer:
    plain = {"Content-Type": "application/json"}
    try:
        if path == "reset":
            app._reset_all_state()
            state.reset()
            return 200, plain, b"null"
        return 200, plain, json.dumps(state.opened(path, json.loads(body or b"{}"))).encode()
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"Content-Type": "text/plain"}, f"{type(error).__name__}: {error}".encode()
