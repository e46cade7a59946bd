"""Tokens that were verified of late: a resource server sees the same ones again and again, and a signature costs more to verify
than all else that is to be decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from .jwt_access_token import VerifiedToken

# Of each of two generations; the older one is forgotten at once.
MOST_TOKENS = 5_000
# Characters; a longer token is verified each time.
LONGEST = 4 * 1024


@dataclass(frozen=True)
class Verification:
    """What one token was found to say, and by which key."""

    kid: str
    key: jwt.PyJWK
    token: VerifiedToken


class VerifiedTokens:
    """Only what is good is kept, so that made-up tokens push nothing out. It is of one event loop, as its introspector is:
    nothing here awaits, so that no lock is needed."""

    def __init__(self) -> None:
        self._young: dict[str, Verification] = {}
        self._old: dict[str, Verification] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, text: str) -> Verification | None:
        young = self._young.get(text)
        if young:
            return young
        old = self._old.get(text)
        if old:
            self.set(text, old)
        return old

    def set(self, text: str, verification: Verification) -> None:
        if len(text) > LONGEST:
            return
        if len(self._young) >= MOST_TOKENS:
            self._old, self._young = self._young, {}
        self._young[text] = verification
