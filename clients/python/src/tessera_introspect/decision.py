"""What is decided about a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Decision:
    """What is known of a token that is good."""

    subject: str
    """Of a token that a client has for itself, the client."""
    client_id: str
    scope: list[str]
    audience: list[str]
    issued_at: int
    """Epoch seconds, as `expires_at`; 0: never."""
    expires_at: int
    token_id: str
    """The `jti`; empty where the server does not tell."""
    grant_id: str
    """The grant it was issued under; empty if it has none or the server does not tell."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What the consent app added."""
    source: Literal["memory", "server"] = "memory"
    """Whether it was decided here, or the server was asked."""


class IntrospectionUnavailable(Exception):
    """It cannot be known now whether the token is good. Never a verdict on the token."""

    def __init__(self) -> None:
        super().__init__("whether the token is good cannot be known at the moment")
