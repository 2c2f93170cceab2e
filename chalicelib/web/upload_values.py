"""What the upload form needs, as plain values. Pure."""

from chalicelib.config import Config
from chalicelib.web.http import ErrorAnswer
from chalicelib.web.page_values import size_in_words


def form_values(
    config: Config, key: str = "", problem: ErrorAnswer | None = None, field: str | None = None
) -> dict[str, object]:
    """The form's limits, and what is to be said about the last try."""
    limits = {"max_bytes": config.max_upload_bytes, "max_size": size_in_words(config.max_upload_bytes)}
    return {"key": key, "problem": problem, "field": field, "inline_bytes": config.inline_bytes, **limits}
