"""Mail that is kept."""

from dataclasses import dataclass, field

from tests.fakes.steps import Steps


@dataclass
class MemoryMail:
    """Mail whose messages lie in `sent`: to, subject, text."""

    steps: Steps = field(default_factory=Steps)
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, to: str, subject: str, text: str) -> None:
        with self.steps.step("mail.send"):
            self.sent.append((to, subject, text))


class PlainPasswords:
    """Passwords that cost nothing; `looked_at` counts how many were compared, `made` how many hashes."""

    def __init__(self) -> None:
        self.looked_at = self.made = 0

    def hashed(self, password: str) -> str:
        self.made += 1
        return f"plain:{password}"

    def fits(self, password_hash: str | None, password: str) -> bool:
        self.looked_at += 1
        return password_hash == self.hashed(password)
