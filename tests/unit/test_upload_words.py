"""What the pages' script must know of the words that the store answers with."""

from pathlib import Path

from chalicelib.domain.admin import UploadsBlock

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "one_upload.js"


def test_the_script_tells_a_block_from_a_refusal_by_the_words_that_it_begins_with() -> None:
    assert f'BLOCKED_WORDS = "{UploadsBlock(blocked=True).words}"' in SCRIPT.read_text(encoding="utf-8")
    assert UploadsBlock(blocked=True, note="Back at six.").words.startswith(UploadsBlock(blocked=True).words)
