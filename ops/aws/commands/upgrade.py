"""To come."""

import argparse
from ops.aws.account import Account
from ops.aws.telling import Telling


def add(parser: argparse.ArgumentParser) -> None: ...
def run(_arguments: argparse.Namespace, _account: Account, _telling: Telling) -> int:
    return 1
