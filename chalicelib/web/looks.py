"""How a person wants the pages to look, in two cookies: the theme, and whether pages say where they came from."""

from collections.abc import Callable
from dataclasses import dataclass

from chalice.app import Request

from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.cookies import cookie, cookie_header, value_in

THEMES = {"": "As the system", "light": "Light", "dark": "Dark"}
_THEME, _BADGE = "theme", "badge"
_KEPT_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Looks:
    """`theme` is a key of THEMES; the empty one follows the system."""

    theme: str = ""
    badge: bool = False


def looks_of(request: Request) -> Looks:
    """What the browser's cookies say; what makes no sense counts as nothing said."""
    return _looks(lambda name: cookie(request, name))


def looks_in(cookies: str) -> Looks:
    """What a Cookie header without TLS says, where there is no request yet."""
    return _looks(lambda name: value_in(cookies, name))


def chosen(request: Request, theme: str | None, badge: str | None) -> str:
    """The Set-Cookie value that keeps the one that was chosen. Raises InvalidValueError."""
    if theme is not None:
        if theme not in THEMES:
            raise InvalidValueError("theme", "The theme is light or dark, or left to the system.")
        return _kept(request, _THEME, theme)
    if badge not in ("", "1"):
        raise InvalidValueError("badge", "Say which theme, or whether pages are to tell where they came from.")
    return _kept(request, _BADGE, badge)


def own_path(back: str) -> str:
    """The path to lead back to, if it is one of our own; otherwise the first page."""
    own = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isascii() and back.isprintable()
    return back if own and " " not in back else "/"


def _looks(cookie_named: Callable[[str], str | None]) -> Looks:
    theme = cookie_named(_THEME) or ""
    return Looks(theme if theme in THEMES else "", cookie_named(_BADGE) == "1")


def _kept(request: Request, name: str, value: str) -> str:
    return f"{cookie_header(request, name, value)}; Max-Age={_KEPT_SECONDS if value else 0}"
