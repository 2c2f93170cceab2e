"""Notices and labels that cost nothing."""

from dataclasses import dataclass, field

from chalicelib.domain.notices import NoticeText, Told
from tests.fakes.steps import Steps


@dataclass
class MemoryNotices:
    """EditNotices; `published` is what was sent, `subscribed` who waits for what: name -> (email, account, state)."""

    steps: Steps = field(default_factory=Steps)
    published: list[NoticeText] = field(default_factory=list)
    subscribed: dict[str, tuple[str, str, Told]] = field(default_factory=dict)

    def publish(self, notice: NoticeText) -> None:
        with self.steps.step("notices.publish"):
            self.published.append(notice)

    def subscribe(self, email: str, account: str) -> str:
        with self.steps.step("notices.subscribe"):
            name = f"subscription of {email}"
            self.subscribed.setdefault(name, (email, account, Told.PENDING))
            return name

    def state(self, subscription: str) -> Told:
        with self.steps.step("notices.state"):
            return self.subscribed[subscription][2] if subscription in self.subscribed else Told.OFF

    def unsubscribe(self, subscription: str) -> None:
        with self.steps.step("notices.unsubscribe"):
            self.subscribed.pop(subscription, None)

    def confirm(self, email: str) -> None:
        """What the person does with the mail."""
        name = f"subscription of {email}"
        self.subscribed[name] = (*self.subscribed[name][:2], Told.ON)


@dataclass
class FixedLabels:
    """Labels that finds the same in any bytes, which it keeps in `seen`."""

    steps: Steps = field(default_factory=Steps)
    found: list[str] = field(default_factory=lambda: ["Beach", "Sea"])
    seen: list[bytes] = field(default_factory=list)

    def of(self, jpeg: bytes) -> list[str]:
        with self.steps.step("labels.of"):
            self.seen.append(jpeg)
            return self.found
