"""What runs on a cache node. An island: nothing of the store is imported here, its names are repeated."""
