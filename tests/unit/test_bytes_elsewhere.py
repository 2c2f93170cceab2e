"""Where copies of a backup's objects lie, what lacks among them, and which bucket is refused."""

import argparse
import threading
from collections.abc import Mapping

import pytest

from ops.aws.backup_objects import Listed
from ops.aws.bytes_elsewhere import (
    BucketFacts,
    Place,
    bucket_name,
    expiring,
    lacking,
    named,
    place_of,
    prefix_with_slash,
    refuse_gone,
    refuse_incomplete,
    refuse_unfit,
    words_for,
)
from ops.aws.copying_objects import few_at_a_time
from ops.aws.errors import OperatorError, UsageError

PLACE = Place("copies", "blue/")
ONE = Listed("originals/a", "v1", 5, '"e1"')
SAID = {"bucket": "copies", "prefix": "blue/"}


def test_each_version_of_an_object_has_a_copy_of_its_own() -> None:
    assert PLACE.key_of(ONE) == "blue/originals/a/v1"
    assert Place("copies").key_of(ONE) == "originals/a/v1"
    assert PLACE.prefixes == ("blue/originals/", "blue/renditions/")


@pytest.mark.parametrize("version", ["", "null"])
def test_without_versions_an_object_with_other_bytes_has_another_copy(version: str) -> None:
    assert PLACE.key_of(Listed("originals/a", version, 5, '"e1"')) == "blue/originals/a/null-e1"
    assert Listed("originals/a", version, 5, '"e1"').source_in("own") == {"Bucket": "own", "Key": "originals/a"}


def test_a_copy_is_made_of_the_version_that_is_listed() -> None:
    assert ONE.source_in("own") == {"Bucket": "own", "Key": "originals/a", "VersionId": "v1"}


@pytest.mark.parametrize(
    ("sizes", "lacks"),
    [
        ({}, True),
        ({"blue/originals/a/v1": 5}, False),
        ({"blue/originals/a/v1": 4}, True),
        ({"blue/originals/a/v0": 5}, True),
        ({"originals/a/v1": 5}, True),
    ],
)
def test_only_a_copy_of_the_same_version_and_size_is_one(sizes: Mapping[str, int], lacks: bool) -> None:
    assert lacking([ONE], sizes, PLACE) == ([ONE] if lacks else [])


GOOD = BucketFacts("copies", "AES256", (), {"project": "something else"})


@pytest.mark.parametrize("facts", [GOOD, BucketFacts("copies", "aws:kms")])
def test_a_bucket_that_encrypts_and_is_closed_will_do(facts: BucketFacts) -> None:
    refuse_unfit(facts, "own")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (BucketFacts("own", "AES256"), "own is the environment's own bucket"),
        (BucketFacts("copies", ""), "does not encrypt.*put-bucket-encryption --bucket copies"),
        (BucketFacts("copies", "AES256", ("BlockPublicAcls",)), "BlockPublicAcls is not on.*put-public-access-block"),
        (
            BucketFacts("copies", "AES256", (), {"project": "elastic-images", "environment": "green"}),
            "bucket of the environment “green”",
        ),
    ],
)
def test_another_bucket_is_refused_in_words_with_what_mends_it(facts: BucketFacts, words: str) -> None:
    with pytest.raises(OperatorError) as raised:
        refuse_unfit(facts, "own")
    assert raised.match(words)


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        ({"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}, True),
        ({"Expiration": {"Date": "2027-01-01"}}, True),
        ({"Filter": {"Prefix": "blue/originals/a"}, "Expiration": {"Days": 30}}, True),
        ({"Filter": {"And": {"Prefix": "bl", "Tags": []}}, "Expiration": {"Days": 30}}, True),
        ({"Prefix": "blue/", "Expiration": {"Days": 30}}, True),
        ({"Prefix": "green/", "Expiration": {"Days": 30}}, False),
        ({"Filter": {"And": {"Prefix": "green/"}}, "Expiration": {"Days": 30}}, False),
        ({"Prefix": "", "Expiration": {"Days": 30}, "Status": "Disabled"}, False),
        ({"Prefix": "", "Expiration": {"ExpiredObjectDeleteMarker": True}}, False),
        ({"Prefix": "", "Transitions": [{"Days": 30}]}, False),
    ],
)
def test_a_lifecycle_that_removes_copies_by_age_is_told(rule: Mapping[str, object], is_told: bool) -> None:
    facts = BucketFacts("copies", "AES256", lifecycle=({"ID": "old", "Status": "Enabled", **rule},))
    assert expiring(facts, PLACE) == (["old"] if is_told else [])


def test_what_lacks_is_named_and_counted_and_the_way_told() -> None:
    refuse_incomplete([], 3, PLACE, None)
    lacks = [Listed(f"originals/{number}", "v1", 5, "") for number in range(12)]
    with pytest.raises(OperatorError) as raised:
        refuse_incomplete(lacks, 30, PLACE, SAID)
    assert raised.match(r"12 of 30 objects are not in s3://copies/blue/: originals/0, .*originals/9 and 2 more\.")
    with pytest.raises(
        OperatorError, match=r"copied to s3://copies/blue/: --objects-from copies --objects-prefix blue/"
    ):
        refuse_incomplete(lacks, 30, Place("copies"), SAID)
    with pytest.raises(OperatorError, match="--objects-to copies them"):
        refuse_incomplete(lacks, 30, PLACE, None)


def test_a_bucket_that_is_gone_is_told_with_where_the_bytes_are() -> None:
    refuse_gone("own", True, None)
    with pytest.raises(OperatorError, match=r"bucket own, .*is gone.*--objects-from copies --objects-prefix blue/"):
        refuse_gone("own", False, SAID)
    with pytest.raises(OperatorError, match="made without --objects-to: it holds rows, and no bytes of images"):
        refuse_gone("own", False, None)


def test_names_that_are_few_are_all_told() -> None:
    assert named(["a", "b"]) == "a, b"


def test_a_place_is_told_as_a_restoration_takes_it() -> None:
    assert words_for(Place("copies")) == "--objects-from copies"
    assert place_of(None, None, "--objects-to") is None
    assert place_of("copies", None, "--objects-to") == Place("copies")
    assert place_of("copies", "blue/", "--objects-to") == PLACE
    with pytest.raises(UsageError, match="--objects-to BUCKET"):
        place_of(None, "blue/", "--objects-to")


@pytest.mark.parametrize(("text", "made"), [("", ""), ("blue", "blue/"), ("of/2026.11/", "of/2026.11/")])
def test_a_prefix_ends_with_a_slash(text: str, made: str) -> None:
    assert prefix_with_slash(text) == made


@pytest.mark.parametrize("text", ["/", "/blue", "a//b", "..", "a/../b", "a b", "ö", "x" * 200])
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no prefix"):
        prefix_with_slash(text)


@pytest.mark.parametrize("text", ["", "s3://copies", "copies/blue", "arn:aws:s3:::copies", "Copies", "ab"])
def test_what_is_no_buckets_name_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no bucket's name"):
        bucket_name(text)
    assert bucket_name("my-copies.eu") == "my-copies.eu"


def test_several_acts_run_at_once_and_tell_their_results_in_order() -> None:
    both = threading.Barrier(2, timeout=30)  # which one alone would not pass

    def act(one: int) -> int:
        if one < both.parties:
            both.wait()
        return one

    assert list(few_at_a_time(act, range(40))) == list(range(40))


def test_what_an_act_raises_ends_the_others_before_they_begin() -> None:
    begun = []

    def act(one: int) -> int:
        begun.append(one)
        if one == 0:
            raise OperatorError("no")
        return one

    with pytest.raises(OperatorError):
        list(few_at_a_time(act, range(10_000)))
    assert len(begun) < 100
