"""Searches on the page and by the API, on fakes."""

import json

import pytest

from tests.fakes import MemoryParts
from tests.web.caller import JSON, Caller
