"""Middleware for ASGI applications."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .decision import Decision
from .guard import Refusal, Requirement, judge
from .introspector import Introspector

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Lets through the requests whose token is good and has what is needed; the decision is in `scope["access_token"]`."""

    def __init__(self, app: App, introspector: Introspector, requirement: Requirement = Requirement()) -> None:
        self._app = app
        self._introspector = introspector
        self._requirement = requirement

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        shown = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        authorization = b", ".join(shown).decode("latin-1") if shown else None
        verdict = await judge(self._introspector, authorization, self._requirement)
        if isinstance(verdict, Decision):
            await self._app({**scope, "access_token": verdict}, receive, send)
        elif scope["type"] == "websocket":
            # The server answers a handshake that is closed with 403.
            await send({"type": "websocket.close", "code": 1013 if verdict.status == 503 else 1008})
        else:
            await refuse(verdict, send)


async def refuse(refusal: Refusal, send: Send) -> None:
    error = refusal.error or "unauthorized"
    body = json.dumps({"error": error, "error_description": refusal.description}).encode()
    fields = {
        **refusal.headers,
        "cache-control": "no-store",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
