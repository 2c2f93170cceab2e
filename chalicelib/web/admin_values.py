"""What the admin's pages show, as plain values for templates. Pure."""

from chalicelib.domain.admin import MIB, AuditEntry, Counts, Dump, User
from chalicelib.web.charts import bytes_in_words
from chalicelib.web.page_values import day_and_minute

NOTICES = {
    "open": "Sign-up is open.",
    "closed": "Sign-up is closed.",
    "blocked": "Uploads are blocked, those under way too.",
    "unblocked": "Uploads are taken again.",
    "disable": "The account is disabled. Its sessions, tokens and links are ended.",
    "enable": "The account is enabled.",
    "role": "The role is changed.",
    "quota": "The quota is changed.",
    "reset": "The link is on its way by mail. It is good for an hour.",
    "dump": "The dump is being made. Load this page again in a moment.",
    "deleting": "Everything is being deleted. Load this page again to see what is left.",
}


def shown_user(user: User) -> dict[str, object]:
    """A user as the pages tell it."""
    return {
        "id": user.owner_id.hex(),
        "email": user.email,
        "admin": user.admin,
        "disabled": user.disabled,
        "role": "Admin" if user.admin else "User",
        "images": f"{user.images:,}",
        "bytes": bytes_in_words(user.bytes),
        "quota": "none" if user.quota_bytes is None else bytes_in_words(user.quota_bytes),
        "quota_mib": "" if user.quota_bytes is None else str(user.quota_bytes // MIB),
        "created": day_and_minute(user.created_at),
    }


def shown_entry(entry: AuditEntry) -> dict[str, object]:
    """An entry of the log as the page tells it."""
    return {
        "id": entry.id,
        "when": day_and_minute(entry.at),
        "when_iso": entry.at.isoformat(timespec="seconds"),
        "actor": entry.actor,
        "what": entry.what,
        "about": entry.about,
        "outcome": entry.outcome,
        "address": entry.address,
    }


def shown_dump(dump: Dump) -> dict[str, object]:
    """A dump as the page tells it."""
    return {
        "id": dump.id.hex(),
        "asked": day_and_minute(dump.asked_at),
        "ends": day_and_minute(dump.ends_at),
        "actor": dump.actor,
        "state": dump.state,
        "why": dump.why,
        "rows": f"{dump.rows or 0:,}",
        "size": bytes_in_words(dump.size or 0),
    }


def shown_counts(counts: Counts) -> dict[str, object]:
    """What there is, as the page tells it."""
    return {
        "images": f"{counts.images:,}",
        "bytes": bytes_in_words(counts.bytes),
        "accounts": f"{counts.accounts:,}",
        "admins": f"{counts.admins:,}",
        "others": f"{counts.accounts - counts.admins:,}",
    }
