"""Asks the server about a token: over gRPC, or at the public introspection endpoint (RFC 7662)."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

import grpc
from tessera.introspection.v1 import introspection_service_pb2 as messages
from tessera.introspection.v1 import introspection_service_pb2_grpc as service

from .decision import Decision
from .jwt_access_token import strings

CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


@dataclass(frozen=True)
class GrpcConnection:
    """The gRPC services: with their feed, JWT access tokens are decided locally."""

    address: str | tuple[str, str]
    """`host:port` or a gRPC name, of all services, or of the token and the introspection service."""
    credentials: grpc.ChannelCredentials | None = None
    """Where the server has certificates; else plain text. A client certificate says who calls."""
    service_token: str = ""
    """What `tessera service-token resource_server` prints; not needed with a client certificate, nor on the loopback."""


@dataclass(frozen=True)
class HttpConnection:
    """The public introspection endpoint, where no gRPC is offered: every token is asked about, as a confidential client."""

    introspection_endpoint: str
    client_id: str
    client_secret: str


class GrpcServer:
    def __init__(self, connection: GrpcConnection, timeout_s: float) -> None:
        address = connection.address
        token, introspection = (address, address) if isinstance(address, str) else address
        self.token_channel = self._open(token, connection)
        self._introspection_channel = self._open(introspection, connection)
        self._stub = service.IntrospectionServiceStub(self._introspection_channel)
        self._timeout_s = timeout_s
        token_shown = connection.service_token
        self.metadata = [("authorization", f"Bearer {token_shown}")] if token_shown else []

    @staticmethod
    def _open(address: str, connection: GrpcConnection) -> grpc.aio.Channel:
        if connection.credentials:
            return grpc.aio.secure_channel(address, connection.credentials, CHANNEL_OPTIONS)
        return grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)

    async def introspect(self, token: str) -> Decision | None:
        request = messages.IntrospectRequest(token=token)
        answer = await self._stub.Introspect(request, timeout=self._timeout_s, metadata=self.metadata)
        if not answer.active or answer.token_use != "access_token":
            return None
        return Decision(
            subject=answer.sub,
            client_id=answer.client_id,
            scope=answer.scope.split(),
            audience=list(answer.aud),
            issued_at=answer.iat,
            expires_at=answer.exp,
            token_id=answer.jti,
            grant_id=answer.grant_id,
            claims=json.loads(answer.ext_json) if answer.ext_json else {},
            source="server",
        )

    async def close(self) -> None:
        await self.token_channel.close()
        await self._introspection_channel.close()


class HttpServer:
    def __init__(self, connection: HttpConnection, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    async def introspect(self, token: str) -> Decision | None:
        said = await asyncio.to_thread(self._ask, token)
        if not isinstance(said.get("active"), bool):
            raise ValueError("the introspection endpoint answered something else")
        if not said["active"] or said.get("token_use") != "access_token":
            return None
        return Decision(
            subject=said.get("sub", ""),
            client_id=said.get("client_id", ""),
            scope=said.get("scope", "").split(),
            audience=strings(said.get("aud")),
            issued_at=said.get("iat", 0),
            expires_at=said.get("exp", 0),
            token_id=said.get("jti", ""),
            grant_id="",
            claims=said.get("ext", {}),
            source="server",
        )

    def _ask(self, token: str) -> dict[str, Any]:
        body = urllib.parse.urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        request = urllib.request.Request(self._connection.introspection_endpoint, body)
        # RFC 6749 2.3.1: both are encoded as in a form.
        credentials = (self._connection.client_id, self._connection.client_secret)
        encoded = ":".join(urllib.parse.quote_plus(each) for each in credentials)
        request.add_header("Authorization", "Basic " + base64.b64encode(encoded.encode()).decode())
        with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
            return json.loads(answer.read())

    async def close(self) -> None:
        pass
