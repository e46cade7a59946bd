"""Follows the server's feed of revocations: opens it again where it breaks off, goes on from the last cursor, and knows how
stale it is."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any, Callable

import grpc
from tessera.token.v1 import revocation_service_pb2 as messages
from tessera.token.v1 import revocation_service_pb2_grpc as service

from .revocation_index import RevocationIndex

# Heartbeats come several times a second: what has been silent for so long is dead, whatever the connection says.
LONGEST_SILENCE_S = 5.0
LONGEST_PAUSE_S = 1.0


class RevocationFeed:
    def __init__(self, on_trouble: Callable[[str, BaseException], None], on_news: Callable[[], None]) -> None:
        self.index = RevocationIndex()
        self.keys_revision = ""
        # Epoch ms: of a token that was issued before, it is not known here whether its client was deleted.
        self.deletions_missing_before_ms = 0
        self.resets = 0
        self._on_trouble = on_trouble
        self._on_news = on_news
        self._cursor = b""
        self._fresh_at = -math.inf

    def staleness_s(self) -> float:
        """Since all that had been revoked was known here; infinite before the first message."""
        return time.monotonic() - self._fresh_at

    async def run(self, channel: Any, metadata: list[tuple[str, str]]) -> None:
        """Until it is cancelled."""
        stub = service.RevocationServiceStub(channel)
        failures = 0
        while True:
            try:
                async for _ in self._follow(stub, metadata):
                    failures = 0
            except grpc.aio.AioRpcError as error:
                if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                    self._reset()
                else:
                    self._on_trouble("the feed of revocations broke off and is opened again", error)
            except (asyncio.TimeoutError, OSError) as error:
                self._on_trouble("the feed of revocations fell silent and is opened again", error)
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.05 * 2 ** min(failures, 10)))
            failures += 1

    async def _follow(self, stub: Any, metadata: list[tuple[str, str]]) -> Any:
        call = stub.WatchRevocations(messages.WatchRevocationsRequest(cursor=self._cursor), metadata=metadata)
        transit = Transit()
        try:
            while True:
                message = await asyncio.wait_for(call.read(), LONGEST_SILENCE_S)
                if message is grpc.aio.EOF:
                    return
                self._take(message, transit)
                yield
        finally:
            call.cancel()

    def _take(self, message: Any, transit: Transit) -> None:
        for revocation in message.revocations:
            self.index.add(revocation)
        self.index.sweep()
        self._cursor = message.cursor
        self.keys_revision = message.keys_revision
        self.deletions_missing_before_ms = message.deletions_missing_before_ms
        age_s = max(message.age_ms, message.deletions_age_ms) / 1000
        self._fresh_at = max(self._fresh_at, transit.sent_at(message.sent_at_ms, time.monotonic()) - age_s)
        self._on_news()

    def _reset(self) -> None:
        self._cursor = b""
        self._fresh_at = -math.inf
        self.resets += 1
        self.index.clear()


class Transit:
    """Tells how long messages were on their way beyond the fastest of them: in buffers, on a slow line, before a busy
    reader."""

    def __init__(self) -> None:
        self._fastest = math.inf
        self._last_at = 0.0

    def sent_at(self, sent_at_ms: int, now: float) -> float:
        """When a message that arrives now was sent, on this process's clock."""
        if sent_at_ms == 0:
            return now
        # The two clocks may run apart by 100 ppm.
        drift = (now - self._last_at) * 1e-4
        self._fastest = min(self._fastest + drift, now - sent_at_ms / 1000)
        self._last_at = now
        return sent_at_ms / 1000 + self._fastest
