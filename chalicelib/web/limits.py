"""How many entries a page of a list has."""

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
MOST_ID = (1 << 63) - 1  # of a row
