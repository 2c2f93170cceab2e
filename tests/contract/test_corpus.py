"""Images collected elsewhere, good, odd and hostile, each with what should become of it.

They are other people's files and no part of this project: they are read from `../shared/corpus` beside the repository,
or from the folder that IMAGE_CORPUS names, and the tests are skipped where there is none. `index.tsv` says of each file
`accept`, `reject`, or `safe`: either answer, within the limits.
"""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from chalicelib.domain.automatic_tags import MOST_TAGS, automatic_tags
from chalicelib.domain.images import MAX_FRAMES, MAX_PIXELS
from chalicelib.domain.renditions import ON_ARRIVAL, Seen
from chalicelib.domain.tags import tag_of
from chalicelib.domain.webp_chunks import is_only_pixels
from tests.contract.child_meter import MOST_MIB, MOST_SECONDS, SMALLER_MIB, SMALLER_PIXELS
from tests.contract.corpus_verdicts import CORPUS, INDEX, Judged, judged, rows
from tests.renderable_images import SECRETS

ROWS = rows()
if not ROWS:
    pytest.skip(f"0 files of the corpus of hostile images were judged: there is no {INDEX}", allow_module_level=True)

# The corpus was made for a limit of 10 MiB; here it is 64.
OTHER_LIMIT = {"synthetic/size_11mb.jpg": "accept"}

each_file = pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the renditions are."""
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def verdicts(folder: Path) -> Mapping[str, Judged]:
    """Both children's answers to every file, each child started anew."""
    return judged(folder)


def expected(row: dict[str, str]) -> str:
    return OTHER_LIMIT.get(row["file"], row["expect"])


def test_every_file_of_the_index_is_there() -> None:
    missing = [row["file"] for row in ROWS if not (CORPUS / "files" / row["file"]).is_file()]
    print(f"{len(ROWS)} files of the corpus, {len(missing)} missing")
    assert missing == []


@each_file
def test_each_file_is_judged_as_it_should_be(verdicts: Mapping[str, Judged], row: dict[str, str]) -> None:
    verdict = verdicts[row["file"]].inspected
    if verdict.refused is not None:
        assert not expected(row).startswith("accept"), f"{row['why']}: {verdict.refused}"
        return
    facts = verdict.found
    assert expected(row) != "reject", f"{row['why']}: {facts}"
    assert facts["width"] * facts["height"] * facts["frames"] <= MAX_PIXELS
    assert facts["frames"] <= MAX_FRAMES
    assert facts["media_type"] == f"image/{row['type']}"
    if agreed := re.search(r"\(OK (\d+)x(\d+) (\d+)\)", row["why"]):
        width, height, frames = map(int, agreed.groups())
        assert (facts["width"], facts["height"]) == (width, height)
        if row["type"] != "png":  # the index counts no frames of animated PNGs
            assert facts["frames"] == frames


@each_file
def test_each_file_is_rendered_or_refused_in_words(
    verdicts: Mapping[str, Judged], folder: Path, row: dict[str, str]
) -> None:
    verdict = verdicts[row["file"]].rendered
    if verdict.refused is not None:
        assert verdict.refused.endswith(".")
        assert not expected(row).startswith("accept"), f"{row['why']}: {verdict.refused}"
        return
    assert len(verdict.found["renditions"]) == len(ON_ARRIVAL)
    for made in verdict.found["renditions"]:
        data = (folder / made["file"]).read_bytes()
        assert is_only_pixels(data)
        assert not [secret for secret in SECRETS if secret in data]
        with Image.open(BytesIO(data)) as image:
            image.load()
            assert image.size == (made["width"], made["height"])
        assert max(image.size) <= made["edge"]
    seen = Seen(**{**verdict.found["seen"], "colours": tuple(map(tuple, verdict.found["seen"]["colours"]))})
    tags = automatic_tags(seen, f"image/{row['type']}")
    assert 3 <= len(tags) <= MOST_TAGS
    assert [tag_of(tag) for tag in tags] == tags
    if agreed := re.search(r"\(OK (\d+)x(\d+) ", row["why"]):
        assert sorted((seen.width, seen.height)) == sorted(map(int, agreed.groups()))


def test_no_child_takes_more_time_or_memory_than_an_image_may(verdicts: Mapping[str, Judged]) -> None:
    taken = [
        (verdict.seconds, verdict.peak_mib, most_mib, f"{name}, {what}")
        for name, each in verdicts.items()
        for most_mib in [SMALLER_MIB if each.pixels <= SMALLER_PIXELS else MOST_MIB]
        for what, verdict in (("inspected", each.inspected), ("rendered", each.rendered))
    ]
    assert [row["file"] for row in ROWS] == list(verdicts)
    started = [each for each in taken if each[0]]
    assert len(started) > len(ROWS), "most files have both of their children"
    for seconds, peak_mib, _, name in sorted(started, reverse=True)[:3]:
        print(f"slowest: {seconds:.2f} s of the processor's time, {peak_mib} MiB: {name}")
    for seconds, peak_mib, most_mib, name in sorted(started, key=lambda each: -each[1])[:3]:
        print(f"largest: {peak_mib} MiB of {most_mib}, {seconds:.2f} s: {name}")
    assert [name for seconds, _, _, name in started if seconds > MOST_SECONDS] == []
    assert [name for _, peak_mib, most_mib, name in started if peak_mib >= most_mib] == []
