"""The HTML face."""

from collections.abc import Callable

from chalice.app import Blueprint, Response

from chalicelib.bootstrap import Services
from chalicelib.web.http import ErrorAnswer


def error_page(answer: ErrorAnswer) -> Response:
    return Response(f"<h1>{answer.title}</h1>", {"Content-Type": "text/html; charset=utf-8"}, answer.status)


def blueprint(services: Callable[[], Services]) -> Blueprint:
    return Blueprint(__name__)
