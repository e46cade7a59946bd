"""An interceptor for servers of `grpc.aio`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc

from .decision import Decision
from .guard import Requirement, judge
from .introspector import Introspector

STATUS = {
    400: grpc.StatusCode.UNAUTHENTICATED,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    503: grpc.StatusCode.UNAVAILABLE,
}

_current: ContextVar[Decision | None] = ContextVar("decision", default=None)


def current_decision() -> Decision | None:
    """The decision on the token of a call, in its handler; None where the method is open to everybody."""
    return _current.get()


class GrpcGuard(grpc.aio.ServerInterceptor):
    """Lets through the calls whose token is good and has what is needed. `requirement`: what every method needs, or what each
    does by its path `/package.Service/Method`, None for one that is open to everybody."""

    def __init__(
        self,
        introspector: Introspector,
        requirement: Requirement | Callable[[str], Requirement | None] = Requirement(),
    ) -> None:
        self._introspector = introspector
        self._requirement = requirement

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        needed = self._requirement
        if not isinstance(needed, Requirement):
            needed = needed(details.method)
        handler = await continuation(details)
        if needed is None or handler is None:
            return handler
        authorization = dict(details.invocation_metadata).get("authorization")
        verdict = await judge(self._introspector, authorization, needed)
        if isinstance(verdict, Decision):
            _current.set(verdict)
            return handler

        async def abort(_: Any, context: grpc.aio.ServicerContext) -> None:
            await context.abort(STATUS[verdict.status], verdict.description)

        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(abort)
        return grpc.unary_unary_rpc_method_handler(abort)
