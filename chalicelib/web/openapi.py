"""The OpenAPI document."""


def document() -> dict[str, object]:
    return {}
