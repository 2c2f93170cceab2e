"""Images collected elsewhere, rendered: every one that is taken in has its renditions or is refused in words.

The corpus is that of `test_corpus.py`; without it these tests are skipped too.
"""

import re
from io import BytesIO

import pytest
from PIL import Image

from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.automatic_tags import MOST_TAGS, automatic_tags
from chalicelib.domain.errors import RequestError
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.tags import tag_of
from chalicelib.domain.webp_chunks import is_only_pixels
from tests.contract.test_corpus import CORPUS, OTHER_LIMIT, ROWS
from tests.renderable_images import SECRETS


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_each_file_is_rendered_or_refused_in_words(row: dict[str, str]) -> None:
    data = (CORPUS / "files" / row["file"]).read_bytes()
    media_type = f"image/{row['type']}"
    expect = OTHER_LIMIT.get(row["file"], row["expect"])
    try:
        seen, made = ChildRenderer(time_limit_seconds=60).render(data, media_type, ON_ARRIVAL)
    except RequestError as refused:
        assert str(refused).endswith(".")
        assert not expect.startswith("accept"), f"{row['why']}: {refused}"
        return
    for rendered in made:
        assert is_only_pixels(rendered.data)
        assert not [secret for secret in SECRETS if secret in rendered.data]
        with Image.open(BytesIO(rendered.data)) as image:
            image.load()
            assert image.size == (rendered.width, rendered.height)
        assert max(image.size) <= rendered.kind.edge_pixels
    tags = automatic_tags(seen, media_type)
    assert 3 <= len(tags) <= MOST_TAGS
    assert [tag_of(tag) for tag in tags] == tags
    if agreed := re.search(r"\(OK (\d+)x(\d+) ", row["why"]):
        assert sorted((seen.width, seen.height)) == sorted(map(int, agreed.groups()))
