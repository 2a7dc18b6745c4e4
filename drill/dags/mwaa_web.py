"""A plugin of an Airflow 3: what MWAA adds to its API server, who is let through before, and `/aws_mwaa/cli/`.

Nobody logs in: MWAA decides before who is let through, so that every request is that of an Admin.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import shlex
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/aws_mwaa"
API = "/api/v2"

Application = Callable[..., Awaitable[None]]


class Admitted:
    """Has every call of the REST API carry the token of an Admin."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and scope["path"].startswith(API):
            from airflow.api_fastapi.auth.managers.simple.services.login import SimpleAuthManagerLogin

            token = SimpleAuthManagerLogin.create_token_all_admins()
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {token}".encode())]}
        await self._app(scope, receive, send)


async def commands(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer what is asked of MWAA's own part."""
    await _router()(scope, receive, send)


@functools.cache
def _router() -> Any:
    """Made when it is asked for: every part of Airflow loads the plugins, and only the API server has requests."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    # Who asks for /aws_mwaa/cli is redirected by Starlette, as by MWAA.
    return Starlette(routes=[Route("/cli/", _command, methods=["POST"])])


async def _command(request: Any) -> Any:
    """Run one command of Airflow: 200 with what it printed, or 400 where it failed."""
    from starlette.responses import JSONResponse

    words = shlex.split((await request.body()).decode())
    program = Path(sys.executable).with_name("airflow")
    process = await asyncio.create_subprocess_exec(program, *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    names, printed = ("stdout", "stderr"), await process.communicate()
    texts = {name: base64.b64encode(text).decode() for name, text in zip(names, printed, strict=True)}
    return JSONResponse(texts, 400 if process.returncode else 200)


class MwaaWeb(AirflowPlugin):
    """What Airflow looks for in this file."""

    name = "mwaa_web"
    fastapi_apps: ClassVar = [{"app": commands, "url_prefix": PREFIX, "name": "MWAA"}]
    fastapi_root_middlewares: ClassVar = [{"middleware": Admitted, "name": "MWAA"}]
