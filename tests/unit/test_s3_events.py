"""What S3 tells of arrivals."""

import json

import pytest

from chalicelib.adapters.s3_events import incoming_keys

KEY = "incoming/" + "0a" * 16 + "/" + "1b" * 16


def event_of(*keys: object) -> str:
    return json.dumps(
        {"Records": [{"eventName": "ObjectCreated:Post", "s3": {"object": {"key": key}}} for key in keys]}
    )


def test_an_arrival_is_read() -> None:
    assert incoming_keys(event_of(KEY, KEY)) == [KEY, KEY]
    assert incoming_keys(event_of(KEY.replace("/", "%2F"))) == [KEY]


@pytest.mark.parametrize("key", ["originals/a/b", KEY + "/../x", "incoming/", KEY.upper(), KEY + "\n", "incoming/a+b"])
def test_what_no_upload_could_be_is_passed_over(key: str) -> None:
    assert incoming_keys(event_of(key)) == []


def test_the_test_of_the_way_is_no_arrival() -> None:
    assert incoming_keys(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "images"})) == []


@pytest.mark.parametrize("body", ["", "poison", "[]", "{}", "null", '{"Records": [{}]}', '{"Records": 1}', event_of(7)])
def test_what_is_no_message_of_s3_is_an_error(body: str) -> None:
    with pytest.raises(ValueError):
        incoming_keys(body)
