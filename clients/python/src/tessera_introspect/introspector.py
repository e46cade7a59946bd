"""Decides whether a token is good: from memory while that is fresh enough, else by asking the server; where neither can tell
it says so. An outage is never a verdict."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from .decision import Decision, IntrospectionUnavailable, copied
from .jwt_access_token import JwtAccessTokens, VerifiedToken, has_jwt_form
from .published_keys import PublishedKeys
from .revocation_feed import RevocationFeed
from .server import GrpcConnection, GrpcServer, HttpConnection, HttpServer

LONGEST_TOKEN = 256 * 1024


@dataclass(frozen=True)
class Status:
    """For monitoring."""

    ready: bool
    """Whether JWT access tokens are decided from memory now."""
    staleness_s: float
    """How far memory is behind; infinite before it is known."""
    revocations: int
    """In memory."""
    keys_revision: str
    asked: int
    """How often the server was asked about a token."""
    resets: int
    """How often the feed could not go on from where it was left, and was read from its beginning."""


class Introspector:
    """
    Use it as an asynchronous context manager, or call `start` and `stop`.

    issuer: exactly as its tokens have it.
    audience: what this resource server is called in tokens (RFC 9068 section 4), of which a token must name one; None takes
        tokens whatever audience they name, or none.
    max_staleness_s: how far an answer from memory may be behind.
    clock_skew_s: how far the issuer's clock may be ahead; nothing lives longer for it.
    jwks_uri: `/.well-known/jwks.json` below the issuer unless said otherwise.
    timeout_s: what the server is given to answer.
    on_trouble: told of what goes wrong in the background and is tried again; never of a token.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Sequence[str] | None,
        server: GrpcConnection | HttpConnection,
        max_staleness_s: float = 1.0,
        clock_skew_s: int = 60,
        jwks_uri: str = "",
        timeout_s: float = 2.0,
        on_trouble: Callable[[str, BaseException], None] = lambda what, cause: None,
    ) -> None:
        self._audience = [audience] if isinstance(audience, str) else audience
        self._max_staleness_s = max_staleness_s
        self._clock_skew_s = clock_skew_s
        self._connection = server
        self._timeout_s = timeout_s
        self._asked = 0
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._server: GrpcServer | HttpServer | None = None
        self._has_memory = isinstance(server, GrpcConnection)
        self._keys = PublishedKeys(jwks_uri or issuer.rstrip("/") + "/.well-known/jwks.json", on_trouble)
        self._feed = RevocationFeed(on_trouble, self._take_news)
        self._tokens = JwtAccessTokens(issuer, self._keys)

    async def __aenter__(self) -> Introspector:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begins to follow the server; returns when tokens are decided from memory."""
        if isinstance(self._connection, HttpConnection):
            self._server = HttpServer(self._connection, self._timeout_s)
            return
        server = self._server = GrpcServer(self._connection, self._timeout_s)
        self._running = asyncio.create_task(self._feed.run(server.token_channel, server.metadata))
        self._keys.follow("")
        try:
            while not self._is_ready():
                self._news.clear()
                await self._news.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends the feed and closes the connections."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._keys.stop()
        if self._server:
            await self._server.close()

    def status(self) -> Status:
        return Status(
            ready=self._is_ready() if self._has_memory else self._server is not None,
            staleness_s=self._feed.staleness_s() if self._has_memory else math.inf,
            revocations=len(self._feed.index),
            keys_revision=self._keys.revision,
            asked=self._asked,
            resets=self._feed.resets,
        )

    async def introspect(self, token: str) -> Decision | None:
        """None for a token that is not good. Raises `IntrospectionUnavailable` where it cannot be known."""
        if token == "" or len(token) > LONGEST_TOKEN:
            return None
        if not self._has_memory or not has_jwt_form(token):
            return await self._ask(token)
        read = await self._tokens.read(token, self._feed.keys_revision if self._is_fresh() else "")
        if read == "unsure":
            return await self._ask(token)
        if read is None or not self._is_current(read) or not self._is_meant_for_us(read.decision.audience):
            return None
        # What was revoked stays so, however stale memory is.
        if self._feed.index.has(read):
            return None
        if self._is_ready() and read.issued_at_ms >= self._feed.deletions_missing_before_ms:
            return copied(read.decision)
        return await self._ask(token)

    async def _ask(self, token: str) -> Decision | None:
        self._asked += 1
        if self._server is None:
            raise IntrospectionUnavailable
        try:
            decision = await self._server.introspect(token)
        except Exception as error:
            raise IntrospectionUnavailable from error
        return decision if decision and self._is_meant_for_us(decision.audience) else None

    def _take_news(self) -> None:
        self._keys.follow(self._feed.keys_revision)
        self._news.set()

    def _is_fresh(self) -> bool:
        return self._feed.staleness_s() <= self._max_staleness_s

    def _is_ready(self) -> bool:
        return self._is_fresh() and self._keys.is_current(self._feed.keys_revision)

    def _is_meant_for_us(self, audience: Sequence[str]) -> bool:
        """RFC 9068 section 4."""
        return self._audience is None or any(name in audience for name in self._audience)

    def _is_current(self, token: VerifiedToken) -> bool:
        now = int(time.time())
        return token.decision.expires_at > now and token.not_before <= now + self._clock_skew_s
