"""Says whether access tokens of a Tessera server are good, without asking it for each.

JWT access tokens are verified with the published keys (RFC 9068), and the server's feed of revocations tells which of them
ended early.
"""

from .asgi import Guard
from .decision import Decision, IntrospectionUnavailable
from .grpc_guard import GrpcGuard, current_decision
from .guard import Requirement
from .introspector import Introspector, Status
from .server import GrpcConnection, HttpConnection

__all__ = [
    "Decision",
    "GrpcConnection",
    "GrpcGuard",
    "Guard",
    "HttpConnection",
    "IntrospectionUnavailable",
    "Introspector",
    "Requirement",
    "Status",
    "current_decision",
]
