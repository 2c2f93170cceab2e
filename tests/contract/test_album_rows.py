"""AlbumRows: the same suite over the fake and over MySQL."""

import secrets
import threading

import pytest

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError, NotFoundError, RowsUnavailableError
from chalicelib.domain.shares import Target
from chalicelib.domain.sharing_ports import Most
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, no_precondition
from tests.contract.sharing_under_test import ALBUM, SharingUnderTest, sharing_of

KEYS = (b"k1", b"k2", b"k3", b"k4")
OTHER = b"b" * 16


@pytest.fixture(params=["memory", "mysql"])
def sharing(request: pytest.FixtureRequest) -> SharingUnderTest:
    return sharing_of(request)


def test_an_album_holds_images_in_the_order_they_were_put_in(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(b"k3", b"k1", title="Été 🌊")
    added = sharing.albums.add(DEMO, ALBUM, [b"k2", b"k1", b"k2"], b"j" * 16, 100)
    assert added is not None
    assert (added.count, added.jobs) == (1, ())
    assert sharing.order() == [b"k3", b"k1", b"k2"]
    album = sharing.albums.album(DEMO, ALBUM)
    assert album is not None
    assert (album.title, album.count) == ("Été 🌊", 3)
    assert album.cover is not None
    assert album.cover.image.key == b"k3"
    assert album.cover.thumbnail is not None
    assert sharing.albums.albums(DEMO) == [album]


def test_an_album_of_images_is_made_with_all_of_them_or_not_at_all(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    most = Most(albums=1, images=2)
    with pytest.raises(NotFoundError, match="none"):
        sharing.albums.create_with(DEMO, ALBUM, "Summer", [b"k1", b"none"], b"j" * 16, most)
    with pytest.raises(InvalidValueError, match="at most 2 images"):
        sharing.albums.create_with(DEMO, ALBUM, "Summer", [b"k1", b"k2", b"k3"], b"j" * 16, most)
    assert sharing.albums.albums(DEMO) == []
    added = sharing.albums.create_with(DEMO, ALBUM, "Summer", [b"k3", b"k1", b"k3"], b"j" * 16, most)
    assert (added.count, sharing.order()) == (2, [b"k3", b"k1"])
    with pytest.raises(InvalidValueError, match="at most 1 albums"):
        sharing.albums.create_with(DEMO, OTHER, "Winter", [b"k1"], b"j" * 16, most)
    assert [album.title for album in sharing.albums.albums(DEMO)] == ["Summer"]


def test_an_album_is_read_page_by_page(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    first = sharing.albums.images(DEMO, ALBUM, -1, 3)
    rest = sharing.albums.images(DEMO, ALBUM, first[-1].place, 3)
    assert [item.image.key for item in [*first, *rest]] == list(KEYS)
    assert len({item.id for item in [*first, *rest]}) == 4


def test_albums_stand_newest_first_and_an_empty_one_has_no_cover(sharing: SharingUnderTest) -> None:
    sharing.album(album_id=ALBUM)
    sharing.pass_time(5)
    sharing.album(album_id=OTHER, title="Winter")
    albums = sharing.albums.albums(DEMO)
    assert {album.title for album in albums} == {"Summer", "Winter"}
    assert [album.created_at for album in albums] == sorted((album.created_at for album in albums), reverse=True)
    assert {(album.count, album.cover) for album in albums} == {(0, None)}


@pytest.mark.parametrize(
    ("key", "position", "expected"),
    [
        (b"k1", 3, [b"k2", b"k3", b"k4", b"k1"]),
        (b"k4", 0, [b"k4", b"k1", b"k2", b"k3"]),
        (b"k2", 2, [b"k1", b"k3", b"k2", b"k4"]),
        (b"k2", 1, list(KEYS)),
        (b"k1", 99, [b"k2", b"k3", b"k4", b"k1"]),
    ],
)
def test_an_image_is_moved_within_its_album(
    sharing: SharingUnderTest, key: bytes, position: int, expected: list[bytes]
) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    assert sharing.albums.move(DEMO, ALBUM, key, lambda at: position)
    assert sharing.order() == expected
    assert not sharing.albums.move(DEMO, ALBUM, b"none", lambda at: 0)
    assert not sharing.albums.move(DEMO, OTHER, key, lambda at: 0)


def test_a_chosen_cover_stays_until_its_image_leaves(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    assert sharing.albums.choose_cover(DEMO, ALBUM, b"k3")
    assert not sharing.albums.choose_cover(DEMO, ALBUM, b"none")
    assert not sharing.albums.choose_cover(DEMO, OTHER, b"k3")
    assert sharing.albums.move(DEMO, ALBUM, b"k3", lambda at: at - 2)
    assert _cover(sharing) == b"k3"
    assert sharing.albums.remove(DEMO, ALBUM, b"k3")
    assert _cover(sharing) == b"k1"
    assert not sharing.albums.remove(DEMO, ALBUM, b"k3")


@pytest.mark.parametrize("how", ["one", "all"])
def test_a_deleted_image_leaves_its_albums(sharing: SharingUnderTest, how: str) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    sharing.albums.choose_cover(DEMO, ALBUM, b"k2")
    if how == "one":
        sharing.rows.images.delete(DEMO, b"k2", b"j" * 16, no_precondition)
    else:
        sharing.rows.images.delete_all(DEMO, b"j" * 16)
    assert sharing.order() == ([b"k1", b"k3", b"k4"] if how == "one" else [])
    assert _cover(sharing) == (b"k1" if how == "one" else None)
    sharing.put(b"k2")  # another image under the key: it was never put into the album
    assert b"k2" not in sharing.order()


def test_a_replaced_image_keeps_its_place(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    sharing.put(b"k2")
    assert sharing.order() == list(KEYS)


def test_a_deleted_album_leaves_its_images_and_takes_its_links(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    token_hash = sharing.share(Target(album_id=ALBUM))
    assert sharing.albums.delete(DEMO, ALBUM)
    assert not sharing.albums.delete(DEMO, ALBUM)
    assert sharing.albums.album(DEMO, ALBUM) is None
    assert sharing.rows.images.keys(DEMO) == list(KEYS)
    assert sharing.shares.opened(token_hash) is None
    assert sharing.shares.shares(DEMO) == []


def test_an_album_gets_another_title(sharing: SharingUnderTest) -> None:
    sharing.album()
    assert sharing.albums.rename(DEMO, ALBUM, "Autumn")
    assert sharing.albums.rename(DEMO, ALBUM, "Autumn")
    assert not sharing.albums.rename(DEMO, OTHER, "Autumn")
    assert [album.title for album in sharing.albums.albums(DEMO)] == ["Autumn"]


def test_the_albums_of_an_image(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(b"k1", b"k2")
    sharing.album(b"k2", album_id=OTHER)
    assert [album.id for album in sharing.albums.holding(DEMO, b"k1")] == [ALBUM]
    assert {album.id for album in sharing.albums.holding(DEMO, b"k2")} == {ALBUM, OTHER}
    assert sharing.albums.holding(DEMO, b"k3") == []


def test_all_of_the_images_are_put_in_or_none(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(b"k1")
    with pytest.raises(NotFoundError):
        sharing.albums.add(DEMO, ALBUM, [b"k2", b"none"], b"j" * 16, 100)
    with pytest.raises(InvalidValueError):
        sharing.albums.add(DEMO, ALBUM, [b"k2", b"k3"], b"j" * 16, 2)
    assert sharing.albums.add(DEMO, OTHER, [b"k2"], b"j" * 16, 100) is None
    assert sharing.order() == [b"k1"]


def test_there_are_no_more_albums_than_are_allowed(sharing: SharingUnderTest) -> None:
    sharing.albums.create(DEMO, ALBUM, "One", 1)
    sharing.albums.create(DEMO, ALBUM, "One", 1)  # the answer to the first was lost
    with pytest.raises(InvalidValueError):
        sharing.albums.create(DEMO, OTHER, "Two", 1)
    assert len(sharing.albums.albums(DEMO)) == 1


def test_a_principal_without_an_owner_is_refused(sharing: SharingUnderTest) -> None:
    nobody = Principal("nobody")
    with pytest.raises(RowsUnavailableError):
        sharing.albums.albums(nobody)
    with pytest.raises(RowsUnavailableError):
        sharing.albums.create(nobody, ALBUM, "One", 100)


def test_many_who_put_images_in_at_once_leave_an_order_without_gaps_or_twins(maria: MariaDb) -> None:
    from tests.contract.rows_under_test import mysql_rows  # the fake has one lock for everything

    sharing = sharing_on(maria)
    keys = [f"k{number}".encode() for number in range(8)]
    rows = mysql_rows(maria)
    for key in keys:
        rows.put(key)
    sharing.album()
    start = threading.Barrier(len(keys))

    def add(key: bytes) -> None:
        start.wait(20)
        sharing.albums.add(DEMO, ALBUM, [key], secrets.token_bytes(16), 100)

    threads = [threading.Thread(target=add, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    items = sharing.albums.images(DEMO, ALBUM, -1, 100)
    assert sorted(item.image.key for item in items) == keys
    assert [item.place for item in items] == list(range(len(keys)))


def test_what_hangs_on_no_image_is_seen_by_nobody_and_keeps_its_place(maria: MariaDb) -> None:
    """As an image in the trash leaves it: under a key that no image has, until it is put back."""
    sharing = sharing_on(maria)
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    token_hash, alone = sharing.share(Target(album_id=ALBUM)), sharing.share(Target(key=b"k2"))
    sharing.albums.choose_cover(DEMO, ALBUM, b"k2")
    both = ("album_images", "shares")
    for table in both:
        maria.execute(f"UPDATE {table} SET image_key = '\0away' WHERE image_key = 'k2'")  # noqa: S608
    assert sharing.order() == [b"k1", b"k3", b"k4"]
    assert _cover(sharing) == b"k1"
    opened = sharing.shares.opened(token_hash)
    assert opened is not None
    assert opened.count == 3
    shown = [item.id for item in sharing.shares.images(token_hash, -1, 3)]
    assert len(shown) == 3
    first = sharing.shares.image(token_hash, shown[0])
    assert first is not None
    assert first.following == shown[1]
    assert sharing.shares.opened(alone) is None
    assert [share.target for share in sharing.shares.shares(DEMO)] == [Target(album_id=ALBUM)]
    sharing.albums.move(DEMO, ALBUM, b"k1", lambda at: at + 1)
    for table in both:
        maria.execute(f"UPDATE {table} SET image_key = 'k2' WHERE image_key = '\0away'")  # noqa: S608
    assert sharing.order() == [b"k3", b"k2", b"k1", b"k4"]
    assert _cover(sharing) == b"k2"
    assert sharing.shares.opened(alone) is not None


def sharing_on(maria: MariaDb) -> SharingUnderTest:
    from chalicelib.adapters.mysql.album_rows import MySqlAlbumRows
    from chalicelib.adapters.mysql.share_rows import MySqlShareRows
    from tests.contract.rows_under_test import mysql_rows

    database = maria.database()
    return SharingUnderTest(mysql_rows(maria), MySqlAlbumRows(database), MySqlShareRows(database), lambda seconds: None)


def _cover(sharing: SharingUnderTest) -> bytes | None:
    album = sharing.albums.album(DEMO, ALBUM)
    assert album is not None
    return None if album.cover is None else album.cover.image.key
