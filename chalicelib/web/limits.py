"""How many entries a page of a list has."""

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
