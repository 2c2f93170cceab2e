"""Each function's policy is enough for its work, and each action on each resource in it is needed."""

from collections.abc import Iterator

import pytest

from tests.enforced.at_work import WORK, Clients, do
from tests.enforced.judge import Account, pieces
from tests.infrastructure.policy_rules import actions
from tests.infrastructure.test_called_actions import ALLOWED_BY, WITHOUT_A_CALL

JUDGED = ("s3:", "sqs:", "secretsmanager:", "sns:", "ses:", "cloudwatch:", "ec2:")
# Lambda's own doing, or EC2's at a launch: the stand-in does not ask.
ASKED_BY_NOBODY = WITHOUT_A_CALL - {
    *("sqs:ReceiveMessage", "sqs:DeleteMessage"),  # the poller's, which the work here stands in for
    *("s3:GetObjectVersion", "s3:DeleteObjectVersion"),
}
# S3 answers 404 for what is not there to who may list the bucket, and 403 to others; the stand-in 404 to all.
TOLD_TO_ALL = {
    function: {"MissingObjectsAreToldFromForbiddenOnes: s3:ListBucket on images"}
    for function in ("perform_job", "ingest_images")
}
# Of what a launch touches the stand-in judges the subnet alone.
LAUNCH = "NodesAreLaunchedFromTheirTemplate: ec2:RunInstances on "


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = Account(tmp_path_factory.mktemp("judged").resolve())
    made.server.start()
    try:
        made.furnish()
        yield made
    finally:
        made.server.kill()


@pytest.fixture(scope="module")
def clients(account: Account) -> Clients:
    return Clients(account)


@pytest.mark.parametrize("function", WORK)
def test_nothing_needed_is_refused_and_nothing_is_called_or_allowed_in_vain(
    account: Account, clients: Clients, function: str
) -> None:
    policy = account.policy(function)
    account.allow(policy)
    calls = do(function, account, clients)
    assert calls.refused == []
    asked = {ALLOWED_BY.get(name, name) for name in calls.made}
    unasked = {"s3:GetObjectVersion", "s3:DeleteObjectVersion"}  # of calls by other names
    unasked |= {"s3:ListBucket"} if function in TOLD_TO_ALL else set()
    assert asked | unasked == (actions(policy) - ASKED_BY_NOBODY) | unasked


@pytest.mark.parametrize("function", WORK)
def test_each_action_on_each_resource_is_needed(account: Account, clients: Clients, function: str) -> None:
    unneeded = set()
    for name, less in pieces(account.policy(function), is_judged):
        account.allow(less)
        if not do(function, account, clients).refused:
            unneeded.add(name)
    assert {name for name in unneeded if not name.startswith(LAUNCH)} == TOLD_TO_ALL.get(function, set())
    assert (f"{LAUNCH}subnet/{account.subnet}" in unneeded) is False


def is_judged(action: str) -> bool:
    return action.startswith(JUDGED) and action not in ASKED_BY_NOBODY


def test_a_policy_without_a_piece_allows_everything_else() -> None:
    statement = {"Sid": "Two", "Effect": "Allow", "Action": ["s3:A", "s3:B"], "Resource": ["b/1", "b/2"]}
    other = {"Sid": "Other", "Effect": "Allow", "Action": "s3:C", "Resource": "b/3"}
    made = dict(pieces({"Statement": [statement, other]}, lambda action: action != "s3:B"))
    assert list(made) == ["Two: s3:A on b/1", "Two: s3:A on b/2", "Other: s3:C on b/3"]
    assert made["Two: s3:A on b/1"]["Statement"] == [
        {**statement, "Action": ["s3:B"]},
        {**statement, "Sid": "TwoElsewhere", "Action": "s3:A", "Resource": ["b/2"]},
        other,
    ]
    assert made["Other: s3:C on b/3"]["Statement"] == [statement]
