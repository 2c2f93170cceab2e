"""From templates to HTML answers."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalice.app import Response

from chalicelib.web.static_files import static_path

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).resolve().parents[2] / "templates"


def page(
    template: str,
    root: str,
    values: Mapping[str, object],
    status: int = 200,
    image_origins: Iterable[str] = (),
    upload_origins: Iterable[str] = (),
    form_origins: Iterable[str] = (),
) -> Response:
    """The template as an answer.

    `root` stands before every path in it; `image_origins` are the foreign origins whose images it shows, and
    `upload_origins` those that its script may send files to, `form_origins` those that its forms may.
    """
    body = (
        _environment()
        .get_template(template)
        .render(
            {
                **values,
                "address": lambda path, **query: address(root, path, **query),
                "asset": lambda name: root + static_path(name),
            }
        )
    )
    return Response(
        body.encode(errors="replace"),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": content_policy(image_origins, upload_origins, form_origins),
        },
        status,
    )


def address(root: str, path: str, **query: str | bytes) -> str:
    """The address of one of the application's own paths. Empty values are left out of the query."""
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
    return f"{root}{path}?{pairs}" if pairs else root + path


def redirect(location: str) -> Response:
    """Sends the browser on after a form, so that a reload does not send the form again."""
    return Response(b"", {"Location": location, "Content-Type": "text/html; charset=utf-8"}, 303)


def content_policy(
    image_origins: Iterable[str] = (), upload_origins: Iterable[str] = (), form_origins: Iterable[str] = ()
) -> str:
    """What a page may load: our own files, previews of chosen files, and images from the origins given."""
    images = " ".join(["'self'", "blob:", *sorted(set(image_origins))])
    sends = " ".join(["'self'", *sorted(set(upload_origins))])
    forms = " ".join(["'self'", *sorted(set(form_origins))])
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src {images}; connect-src {sends}; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 39 ms that the API's first call need not pay

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
