"""Names that the agent shares with the application: on the node, and in CloudWatch. A test holds both to each other."""

OBJECT_PREFIX = b"i:"
ORDERS_KEY = b"c:orders"
SLOT_SECONDS, MINUTE_SECONDS = 10, 60

NAMESPACE = "ElasticImages"
# What the application counts on the node, and the metric that tells it. One origin read is one miss.
COUNTED = {"requests": "Requests", "origin_reads": "Misses", "copies": "Copies", "oversize": "Oversize"}


def count_key(name: str, slot: int) -> str:
    """Where the application counts: one key for each name and time slot of ten seconds."""
    return f"n:{name}:{slot}"
