"""Cookies: read from a request, written so that scripts cannot read them and other sites cannot send them."""

from http.cookies import CookieError, SimpleCookie

from chalice.app import Request


def over_tls(request: Request) -> bool:
    """Whether the browser came by TLS, as the gateway tells."""
    return request.headers.get("x-forwarded-proto") == "https"


def cookie(request: Request, name: str) -> str | None:
    """The value of one of our cookies, if the request has it."""
    return value_in(request.headers.get("cookie", ""), _full_name(request, name))


def value_in(header: str, name: str) -> str | None:
    """The value of that name in a Cookie header, if it has one."""
    cookies = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        return None
    morsel = cookies.get(name)
    return morsel.value if morsel is not None and morsel.value else None


def cookie_header(request: Request, name: str, value: str) -> str:
    """The Set-Cookie value of one of our cookies."""
    secure = "; Secure" if over_tls(request) else ""
    return f"{_full_name(request, name)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"


def _full_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if over_tls(request) else name  # the prefix needs TLS, which loopback has not
