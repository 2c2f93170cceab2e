"""The archives' bytes and names, held against the library's own reader."""

import random
import secrets
import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest

from chalicelib.domain.zip_files import ZipNames, directory_of, entry_of, header_of, overhead_of, safe_name

AT = datetime(2026, 5, 3, 14, 5, 58, tzinfo=UTC)


def archive(files: dict[str, bytes], at: datetime = AT) -> bytes:
    data, entries = b"", []
    for name, content in files.items():
        entries.append(entry_of(name, content, len(data), at))
        data += header_of(entries[-1]) + content
    return data + directory_of(entries, len(data))


def test_an_archive_is_read_as_it_was_written() -> None:
    source = random.Random(7)
    files = {f"ordner/é {number}.png": source.randbytes(number * 97) for number in range(30)} | {"日本.gif": b""}
    data = archive(files)
    with zipfile.ZipFile(BytesIO(data)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == files
        for one in found.infolist():
            assert (one.date_time, one.compress_type) == ((2026, 5, 3, 14, 5, 58), zipfile.ZIP_STORED)
            assert not one.flag_bits & 0x08, "sizes stand before the bytes"
    assert len(data) == sum(map(len, files.values())) + sum(map(overhead_of, files)) + 22


@pytest.mark.parametrize(("year", "shown"), [(1970, 1980), (2200, 2107)])
def test_times_that_the_format_does_not_know_are_the_nearest_that_it_does(year: int, shown: int) -> None:
    with zipfile.ZipFile(BytesIO(archive({"a": b""}, AT.replace(year=year)))) as found:
        assert found.infolist()[0].date_time[0] == shown


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a.png", "a.png"),
        ("A.PNG", "A.PNG"),
        ("a", "a.png"),
        ("a.jpg", "a.jpg.png"),
        ("holiday/beach.png", "holiday/beach.png"),
        ("../../etc/passwd", "etc/passwd.png"),
        ("/abs/./x", "abs/x.png"),
        ("c:\\x\\y", "c__x_y.png"),
        ("CON", "_CON.png"),
        ("lpt1.png", "_lpt1.png"),
        ("a. /b", "a/b.png"),
        ("...", "image.png"),
        (" ", "image.png"),
        ('<>:"|?*', "_______.png"),
        ("a\u202egnp.exe", "a_gnp.exe.png"),
        ("x" * 255, "x" * 119 + ".png"),
    ],
)
def test_a_name_can_be_unpacked_anywhere_and_only_below_the_folder(key: str, name: str) -> None:
    assert safe_name(key, "image/png") == name


def test_any_key_gives_a_safe_name() -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    source = random.Random(seed)
    hard = "./\\: \t*con.pngé\u202e\U0001f600\x00a"
    for _ in range(3000):
        name = safe_name("".join(source.choice(hard) for _ in range(source.randint(1, 255))), "image/jpeg")
        parts = name.split("/")
        assert name.endswith((".jpg", ".jpeg"))
        assert not {"", ".", ".."} & set(parts)
        assert all(len(part.encode()) <= 125 and part == part.strip(" .") for part in parts), name
        assert len(name.encode()) <= 400
        assert not set('<>:"|?*\\\x00\t\u202e') & set(name)


def test_no_two_names_are_one_on_any_system() -> None:
    names = ZipNames(["images.json"])
    wanted = [
        "a.png",
        "A.png",
        "a.png",
        "a (2).png",
        "e\u0301.png",
        "\u00e9.png",
        "Images.JSON",
        "a.png/b.png",
        "d",
        "D/x",
    ]
    assert [names.take(name) for name in wanted] == [
        *("a.png", "A (2).png", "a (3).png", "a (2) (2).png"),
        *("e\u0301.png", "\u00e9 (2).png", "Images (2).JSON", "a.png_b.png", "d", "D_x"),
    ]


def test_a_file_never_stands_where_a_folder_is() -> None:
    names = ZipNames(["d/x.png"])
    assert [names.take("d"), names.take("D/X.png")] == ["d (2)", "D/X (2).png"]
