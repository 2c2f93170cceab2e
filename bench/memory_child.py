"""One process's resident memory, told as JSON. It imports nothing by itself that the application does not.

python -m bench.memory_child libraries
python -m bench.memory_child application < event.json    in the environment of a running store
"""

import importlib
import json
import os
import sys

REQUESTS = 1000


def resident_bytes() -> int:
    """This process's resident memory."""
    with open("/proc/self/statm", encoding="ascii") as found:  # noqa: PTH123 # pathlib is memory too
        return int(found.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def libraries() -> dict[str, int]:
    """After importing what the application is made of, and no more."""
    for name in ("chalice.app", "jinja2", "pymemcache", "pymysql"):  # by name: no linter may take them for unused
        importlib.import_module(name)
    return {"libraries": resident_bytes()}


def application(event: str) -> dict[str, int]:
    """After the import, and after one and many of the requests."""
    from app import app

    figures = {"after import": resident_bytes()}
    for when, count in (("after a first cached GET", 1), (f"after {REQUESTS} cached GETs of 100 KB", REQUESTS)):
        for _ in range(count):
            if app(json.loads(event), None)["statusCode"] != 200:
                raise RuntimeError("the image did not come")
        figures[when] = resident_bytes()
    return figures


if __name__ == "__main__":
    print(json.dumps(libraries() if sys.argv[1] == "libraries" else application(sys.stdin.read())))
