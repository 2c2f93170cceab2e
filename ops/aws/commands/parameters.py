"""parameters: every parameter of the templates, and every setting of the application."""

import argparse
import textwrap

from ops.aws.account import Account
from ops.aws.command import OK
from ops.aws.settings import SETTINGS
from ops.aws.telling import Telling
from ops.aws.templates import PARTS, template_of


def add(_parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""


def run(_arguments: argparse.Namespace, _account: Account, telling: Telling) -> int:
    """The exit status."""
    found = {part: template_of(part)["Parameters"] for part in PARTS}
    lines = []
    for part, parameters in found.items():
        lines += ["", part]
        for name, one in parameters.items():
            if name != "Environment":
                words = f"{one.get('Description', '').strip()} Default: {one.get('Default', 'none')}."
                lines += [f"  {name}", *textwrap.wrap(words, 100, initial_indent="      ", subsequent_indent="      ")]
    lines += ["", "settings of the application (--setting NAME=VALUE)"]
    for name, words in SETTINGS.items():
        lines += [f"  {name}", *textwrap.wrap(words, 100, initial_indent="      ", subsequent_indent="      ")]
    telling.result(lines[1:], {**found, "settings": SETTINGS})
    return OK
