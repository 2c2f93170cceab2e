"""The mail of the local run: kept in files, shown on a page that can do nothing."""

import json
import stat
from pathlib import Path

from ops.local.mail_folder import Mail, MailFolder
from ops.local.mail_keeper import MailKeeper
from ops.local.mail_page import PATH, mail_page

NEW = Mail("2@ses", 1_700_000_100.5, "images@localhost", ("ada@example.org",), "Newer", "Hello.\n\nBye.")
OLD = Mail("1@ses", 1_700_000_000.25, "images@localhost", ("ada@example.org", "b@example.org"), "Older", "Hello.")


def test_mails_are_there_again_newest_first_each_once(tmp_path: Path) -> None:
    MailFolder(tmp_path / "mail").keep([OLD, NEW])
    again = MailFolder(tmp_path / "mail")
    again.keep([NEW, OLD])
    assert again.newest(10) == [NEW, OLD]
    assert again.newest(1) == [NEW]


def test_only_this_user_may_read_them(tmp_path: Path) -> None:
    MailFolder(tmp_path / "mail").keep([OLD])
    (kept,) = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_nothing_of_a_mail_leads_to_another_path(tmp_path: Path) -> None:
    MailFolder(tmp_path / "mail").keep([Mail("../../escaped", 1.0, "a", ("../b",), "../c", "d")])
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "mail"]


def test_a_file_that_is_no_mail_is_left_out(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    folder.keep([OLD])
    (tmp_path / "9-damaged.json").write_text("{")
    (tmp_path / "8-other.json").write_text(json.dumps({"id": "x", "sent_at": "never"}))
    assert folder.newest(10) == [OLD]


def test_the_page_escapes_everything_and_makes_addresses_links() -> None:
    text = (
        'Open this:\n\nhttp://127.0.0.1:8000/verify?link=a_b-c&x=<img src=x onerror=alert(1)>"\n\n(https://s.test/a).'
    )
    answer = mail_page([Mail("1", 0.0, "<b>me</b>", ("<i>you</i>",), "<script>alert(1)</script>", text)], "<u>late</u>")
    body = answer.body.decode()
    assert '<a class="code" href="http://127.0.0.1:8000/verify?link=a_b-c&amp;x=">' in body
    assert '<a class="code" href="https://s.test/a">https://s.test/a</a>).' in body
    assert [word for word in ("<script", "<img", "<b>", "<i>", "<u>") if word in body] == []


def test_the_page_runs_no_script_and_tells_no_other_site_its_links() -> None:
    headers = dict(mail_page([]).headers)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert "script-src" not in headers["Content-Security-Policy"]
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "private, no-store")
    assert b"No mail yet." in mail_page([]).body


def test_the_page_shows_what_was_sent_a_moment_ago_and_keeps_it(tmp_path: Path) -> None:
    held = [OLD]
    keeper = MailKeeper(MailFolder(tmp_path), [lambda: held])
    assert keeper.answer("/") is None
    held.append(NEW)
    answer = keeper.answer(PATH)
    assert answer is not None
    assert answer.body.index(b"Newer") < answer.body.index(b"Older")
    assert MailFolder(tmp_path).newest(10) == [NEW, OLD]


def test_with_the_stand_in_gone_the_kept_ones_are_shown_and_said_to_be_old(tmp_path: Path) -> None:
    def gone() -> list[Mail]:
        raise OSError("connection refused")

    MailFolder(tmp_path).keep([OLD])
    answer = MailKeeper(MailFolder(tmp_path), [gone]).answer(PATH)
    assert answer is not None
    assert b"Older" in answer.body
    assert b"Newer mail may be missing: connection refused" in answer.body


def test_what_was_sent_until_the_end_is_kept(tmp_path: Path) -> None:
    held: list[Mail] = []
    keeper = MailKeeper(MailFolder(tmp_path), [lambda: held])
    keeper.start()
    held.append(NEW)
    keeper.stop()
    assert MailFolder(tmp_path).newest(10) == [NEW]
