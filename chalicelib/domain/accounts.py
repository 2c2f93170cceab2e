"""Who asks, and whose images they may see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from, as its session says. Never taken from a parameter."""

    name: str
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose images they are. `id` is 16 random bytes; `version` grows with every write of the owner's."""

    id: bytes
    version: int
