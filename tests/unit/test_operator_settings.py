"""Settings of a stage: each is known to the application, told in words, and refused before anything is made of it."""

import re

import pytest

from ops.aws import cost, cost_words
from ops.aws.errors import UsageError
from ops.aws.settings import SETTINGS, check_settings
from ops.aws.stage import environment_variables
from ops.aws.templates import PROJECT
from tests.infrastructure.stack_outputs import CHOICES, OUTPUTS

READ = set(
    re.findall(r'(?:value|environ\.get)\(\s*"([A-Z_]+)"', (PROJECT / "chalicelib" / "config.py").read_text("utf-8"))
)
# Where a secret or a stack tells them.
OTHERWISE = {"DATABASE_USER", "DATABASE_PASSWORD", "SECRET_KEY", "MAIL_SENDER", "NOTICE_TOPIC_ARN"}


def test_all_that_the_application_reads_is_told_by_stacks_or_may_be_set() -> None:
    assert READ - set(environment_variables(OUTPUTS, CHOICES)) - OTHERWISE - set(SETTINGS) == set()
    assert set(SETTINGS) <= READ


def test_each_setting_is_told_on_the_page_of_operations() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    assert [name for name in SETTINGS if f"`{name}`" not in page] == []


def test_settings_are_taken_as_they_are() -> None:
    given = [("ERASE_GRACE_DAYS", "30"), ("LABELS", "rekognition"), ("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1")]
    assert check_settings(given) == dict(given)
    assert check_settings([]) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("ERASE_GRACE_DAY", "3"), "no setting ERASE_GRACE_DAY"),
        (("DATABASE_HOST", "db.test"), "no setting DATABASE_HOST"),
        (("ERASE_GRACE_DAYS", "soon"), "ERASE_GRACE_DAYS is “soon”"),
        (("ERASE_GRACE_DAYS", "400"), "from 0 to 365"),
        (("LABELS", "google"), "off or rekognition"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words(given: tuple[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_settings([given])


def test_each_price_says_where_it_comes_from_and_the_unknown_is_called_so() -> None:
    words, values = cost_words.told("us-east-1", {"Size": "standard"}, cost.Load(requests=1000))
    table = cost.prices()
    for line in [*values["idle"], *values["load"]]:
        if line["usd"] is None:
            assert line["source"] == "no price known"
        else:
            assert line["source"] in {f"by hand, {table['date']}", *table["checked"].values()}
    assert any("NAT gateways" in line and table["checked"]["nat-gateway hour"] in line for line in words)
    assert any("unknown" in line and "[no price known]" in line for line in words)
    elsewhere, _ = cost_words.told("eu-west-1", {})
    assert all("unknown" in line for line in elsewhere if line.startswith("  "))
    assert not any("The load adds" in line for line in elsewhere)
