"""Which browser the tests drive."""

import shutil

NAMES = ("chromium", "google-chrome", "chromium-browser")


def browser_path() -> str | None:
    """The first of the browsers that ops/setup.sh looks for; None if there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)
