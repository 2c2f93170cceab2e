"""/api/v1 of the running store, asked whatever its own document allows and much that it does not."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chalicelib.web.openapi import document
from tests.e2e.store_client import StoreClient
from tests.local_cloud import LocalCloud

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# What resizes the fleet is tried on fakes, in tests/web/test_fleet_api.py: other tests use this store too.
RESIZING = ["changeFleetSettings", "changeFleetSize"]
CLOSING = ["changeAdminSettings"]  # blocks everybody's uploads; tried in tests/web/test_admin.py
schema = schemathesis.openapi.from_dict(document()).exclude(operation_id=[*RESIZING, *CLOSING])
schema.config.phases.coverage.unexpected_methods = {"PATCH"}  # others are the server's own to refuse, and tested there


@pytest.fixture(scope="module")
def base_url(cloud: LocalCloud) -> Iterator[str]:
    yield cloud.address.rstrip("/")
    assert StoreClient(cloud.address)("GET", "/health").status == 200


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,  # repeats a failure
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_never_a_fault_and_always_as_documented(case: "schemathesis.Case[Any]", base_url: str) -> None:
    case.call_and_validate(base_url=base_url, checks=CHECKS, timeout=30)
