"""Asks a person before something costs money or is lost."""

import sys

from ops.aws.errors import UsageError
from ops.aws.telling import Telling


def confirmed(question: str, telling: Telling) -> bool:
    """Whether the person says yes. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here.", question, "the same command with --yes")
    print(f"{question} [y/N] ", end="", file=telling.err, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
