"""The page that shows the local run's mail. Pure: from mails to an answer."""

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ops.local.http_answers import Answer
from ops.local.mail_folder import Mail

PATH = "/_local/mail"
_LINK = re.compile(r"https?://[^\s<>\"]+")
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),  # the links are secrets
    ("Cache-Control", "private, no-store"),
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail of the local run</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<main class="wide narrow">
<h1>Mail of the local run</h1>
<p class="lead">What would have been sent, newest first; it never left this machine. <a href="/">To the store</a></p>
{mails}
</main>
</body>
</html>
"""
_MAIL = """\
<article class="card">
<h2>{subject}</h2>
<p class="hint">to {to} · from {sender} · <time datetime="{iso}">{words}</time></p>
{paragraphs}
</article>
"""


def mail_page(mails: Sequence[Mail], trouble: str | None = None) -> Answer:
    """The mails in the order given; `trouble` says in words why newer ones may be missing."""
    shown = "".join(map(_article, mails)) or '<p class="empty">No mail yet.</p>'
    if trouble is not None:
        shown = f'<p class="notice" role="alert">{html.escape(trouble)}</p>' + shown
    return Answer(200, _HEADERS, _PAGE.format(mails=shown).encode(errors="replace"))


def _article(mail: Mail) -> str:
    at = datetime.fromtimestamp(mail.sent_at, UTC)
    paragraphs = re.split(r"\n\s*\n", mail.text.strip())
    return _MAIL.format(
        subject=html.escape(mail.subject),
        to=html.escape(", ".join(mail.to)),
        sender=html.escape(mail.sender),
        iso=at.isoformat(timespec="seconds"),
        words=at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        paragraphs="\n".join(f'<p class="apart-top">{_linked(paragraph)}</p>' for paragraph in paragraphs),
    )


def _linked(text: str) -> str:
    """The text escaped, its lines broken as they were, its http addresses made links."""
    made, at = [], 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(".,;:!?)'")
        escaped = html.escape(address)
        made += [html.escape(text[at : found.start()]), f'<a class="code" href="{escaped}">{escaped}</a>']
        at = found.start() + len(address)
    made.append(html.escape(text[at:]))
    return "".join(made).replace("\n", "<br>\n")
