"""What is decided about a token."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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


def copied(decision: Decision) -> Decision:
    """What is remembered of a token is handed out at each of its uses, and may be changed there."""
    claims = dict(decision.claims)
    pending: list[Any] = [claims]
    while pending:
        container = pending.pop()
        for place, value in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(value, (dict, list)):
                container[place] = value.copy()
                pending.append(container[place])
    return replace(decision, scope=list(decision.scope), audience=list(decision.audience), claims=claims)


class IntrospectionUnavailable(Exception):
    """It cannot be known now whether the token is good. Never a verdict on the token."""

    def __init__(self) -> None:
        super().__init__("whether the token is good cannot be known at the moment")
