"""What the pages' script must know of the words that the store answers with."""

from pathlib import Path

from chalicelib.adapters.mysql.spending import quota_words
from chalicelib.domain.admin import UploadsBlock

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "one_upload.js"


def test_the_script_tells_a_block_and_a_full_account_from_a_refusal_by_the_words_that_it_begins_with() -> None:
    assert f'BLOCKED_WORDS = "{UploadsBlock(blocked=True).words}"' in SCRIPT.read_text(encoding="utf-8")
    assert 'ROOM_WORDS = "Your images take"' in SCRIPT.read_text(encoding="utf-8")
    assert quota_words(1, 2, 3).startswith("Your images take")
    assert UploadsBlock(blocked=True, note="Back at six.").words.startswith(UploadsBlock(blocked=True).words)
