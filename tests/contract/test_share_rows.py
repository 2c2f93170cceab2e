"""ShareRows: the same suite over the fake and over MySQL."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.account_ports import ApiToken
from chalicelib.domain.accounts import Account, Principal, Scope, Way
from chalicelib.domain.errors import InvalidValueError, RowsUnavailableError
from chalicelib.domain.renditions import FULL
from chalicelib.domain.shares import SharedImage, Target
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, draft_of, no_precondition
from tests.contract.sharing_under_test import ALBUM, SharingUnderTest, draft_of_share, sharing_of

KEYS = (b"k1", b"k2", b"k3", b"k4")
SHOWN = ("thumbnail", "preview")


@pytest.fixture(params=["memory", "mysql"])
def sharing(request: pytest.FixtureRequest) -> SharingUnderTest:
    return sharing_of(request)


@pytest.fixture
def of_album(sharing: SharingUnderTest) -> bytes:
    sharing.put(*KEYS)
    sharing.album(b"k2", b"k1", b"k3")
    return sharing.share(Target(album_id=ALBUM))


def images(sharing: SharingUnderTest, token_hash: bytes) -> list[SharedImage]:
    return sharing.shares.images(token_hash, -1, 100)


def test_a_link_to_an_album_opens_its_images_in_order(sharing: SharingUnderTest, of_album: bytes) -> None:
    opened = sharing.shares.opened(of_album)
    assert opened is not None
    assert (opened.title, opened.album, opened.count, opened.password_hash) == ("Summer", True, 3, "a hash")
    found = images(sharing, of_album)
    assert [item.id for item in found] == [item.id for item in sharing.albums.images(DEMO, ALBUM, -1, 9)]
    assert [set(item.renditions) for item in found] == [{"thumbnail", "preview", "flipped"}] * 3
    assert [item.id for item in sharing.shares.images(of_album, found[0].place, 1)] == [found[1].id]


def test_one_image_of_an_album_knows_its_neighbours(sharing: SharingUnderTest, of_album: bytes) -> None:
    ids = [item.id for item in images(sharing, of_album)]
    found = [sharing.shares.image(of_album, image_id) for image_id in ids]
    assert [(one.previous, one.following) for one in found if one is not None] == [
        (None, ids[1]),
        (ids[0], ids[2]),
        (ids[1], None),
    ]
    assert sharing.shares.image(of_album, b"x" * 16) is None


def test_a_link_to_an_image_opens_that_one(sharing: SharingUnderTest) -> None:
    sharing.put(b"k1", b"k2")
    token_hash = sharing.share(Target(key=b"k1"), title="The sea")
    opened = sharing.shares.opened(token_hash)
    assert opened is not None
    assert (opened.title, opened.album, opened.count) == ("The sea", False, 1)
    (item,) = images(sharing, token_hash)
    assert item.id == opened.id
    one = sharing.shares.image(token_hash, item.id)
    assert one is not None
    assert (one.previous, one.following) == (None, None)


@pytest.mark.parametrize("target", [Target(album_id=ALBUM), Target(key=b"k2")])
def test_one_row_says_link_image_and_objects(sharing: SharingUnderTest, target: Target) -> None:
    sharing.put(*KEYS)
    sharing.album(b"k2", b"k1")
    token_hash = sharing.share(target)
    row = sharing.shares.row(token_hash, images(sharing, token_hash)[0].id, SHOWN)
    assert row is not None
    assert row.opened == sharing.shares.opened(token_hash)
    assert row.image == sharing.rows.images.row(DEMO, b"k2").image
    made = {one.kind: one for one in sharing.rows.renditions.about(DEMO, b"k2").renditions}
    assert row.renditions == {kind: made[kind] for kind in SHOWN}
    assert row.map_version == 0


def test_an_image_that_is_not_behind_the_link_is_none_though_it_is_behind_another(
    sharing: SharingUnderTest, of_album: bytes
) -> None:
    alone = sharing.share(Target(key=b"k4"))
    other = images(sharing, alone)[0].id
    for token_hash, image_id in ((of_album, other), (alone, images(sharing, of_album)[0].id), (alone, b"x" * 16)):
        row = sharing.shares.row(token_hash, image_id, SHOWN)
        assert row is not None
        assert (row.image, row.renditions) == (None, {})
        assert sharing.shares.image(token_hash, image_id) is None


def test_what_is_not_made_is_not_ready(sharing: SharingUnderTest, of_album: bytes) -> None:
    image_id = images(sharing, of_album)[0].id
    row = sharing.shares.row(of_album, image_id, [FULL.name])
    assert row is not None
    assert row.image is not None
    assert row.renditions == {}


@pytest.mark.parametrize("how", ["revoked", "ended", "never made", "image deleted", "album deleted"])
def test_a_link_that_is_over_leads_nowhere(sharing: SharingUnderTest, how: str) -> None:
    sharing.put(b"k1")
    sharing.album(b"k1")
    target = Target(album_id=ALBUM) if how == "album deleted" else Target(key=b"k1")
    token_hash = sharing.share(target, seconds=3600)
    (share,) = sharing.shares.shares(DEMO)
    image_id = images(sharing, token_hash)[0].id
    assert sharing.shares.row(token_hash, image_id, SHOWN) is not None
    if how == "revoked":
        assert sharing.shares.revoke(DEMO, share.id)
        assert not sharing.shares.revoke(DEMO, share.id)
    elif how == "ended":
        sharing.pass_time(3601)
    elif how == "never made":
        token_hash = secrets.token_bytes(32)
    elif how == "image deleted":
        sharing.rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition)
        sharing.put(b"k1")  # another image under the key was never shared
    else:
        assert sharing.albums.delete(DEMO, ALBUM)
    assert sharing.shares.opened(token_hash) is None
    assert images(sharing, token_hash) == []
    assert sharing.shares.image(token_hash, image_id) is None
    assert sharing.shares.row(token_hash, image_id, SHOWN) is None
    assert [one.ended for one in sharing.shares.shares(DEMO)] == {"ended": [True], "never made": [False]}.get(how, [])


def test_an_image_taken_out_of_an_album_is_not_behind_its_links(sharing: SharingUnderTest, of_album: bytes) -> None:
    first = images(sharing, of_album)[0].id
    sharing.albums.remove(DEMO, ALBUM, b"k2")
    row = sharing.shares.row(of_album, first, SHOWN)
    assert row is not None
    assert row.image is None
    assert len(images(sharing, of_album)) == 2


def test_an_owner_sees_links_with_their_views(sharing: SharingUnderTest, of_album: bytes) -> None:
    sharing.share(Target(key=b"k1"), title="The sea", downloads=True, seconds=3600)
    opened = sharing.shares.opened(of_album)
    assert opened is not None
    for _ in range(3):
        sharing.shares.count_view(opened.id)
    shares = {share.name: share for share in sharing.shares.shares(DEMO)}
    assert set(shares) == {"Summer", "k1"}
    assert (shares["Summer"].views, shares["k1"].views) == (3, 0)
    assert shares["Summer"].viewed_at is not None
    assert shares["k1"].viewed_at is None
    assert (shares["k1"].title, shares["k1"].downloads, shares["k1"].has_password) == ("The sea", True, True)
    assert shares["k1"].ends_at is not None
    assert (shares["k1"].ends_at - shares["k1"].created_at).total_seconds() == 3600
    assert (shares["Summer"].target, shares["k1"].target) == (Target(album_id=ALBUM), Target(key=b"k1"))


def test_what_may_be_downloaded_is_made_for_what_is_there_and_for_what_comes(sharing: SharingUnderTest) -> None:
    sharing.put(*KEYS)
    sharing.album(b"k1", b"k2")
    draft = draft_of_share(Target(album_id=ALBUM), downloads=True)
    due = sharing.shares.create(DEMO, draft, 100)
    assert due is not None
    assert len(due) == 2
    assert sharing.shares.create(DEMO, draft_of_share(Target(key=b"k1"), downloads=True), 100) == ()
    assert sharing.shares.create(DEMO, draft_of_share(Target(key=b"k4")), 100) == ()
    added = sharing.albums.add(DEMO, ALBUM, [b"k3"], b"j" * 16, 100)
    assert added is not None
    orders = [sharing.render(job_id) for job_id in (*due, *added.jobs)]
    assert [(order.key, order.kinds) for order in orders if order is not None] == [
        (b"k1", (FULL.name,)),
        (b"k2", (FULL.name,)),
        (b"k3", (FULL.name,)),
    ]
    for item in images(sharing, draft.token_hash):
        row = sharing.shares.row(draft.token_hash, item.id, [FULL.name, "preview"])
        assert row is not None
        assert set(row.renditions) == {FULL.name, "preview"}


def test_a_link_to_nothing_is_not_made(sharing: SharingUnderTest) -> None:
    sharing.put(b"k1")
    assert sharing.shares.create(DEMO, draft_of_share(Target(key=b"none")), 100) is None
    assert sharing.shares.create(DEMO, draft_of_share(Target(album_id=ALBUM)), 100) is None
    sharing.share(Target(key=b"k1"))
    with pytest.raises(InvalidValueError):
        sharing.shares.create(DEMO, draft_of_share(Target(key=b"k1")), 1)
    with pytest.raises(RowsUnavailableError):
        sharing.shares.create(Principal("nobody"), draft_of_share(Target(key=b"k1")), 100)
    assert len(sharing.shares.shares(DEMO)) == 1


def test_a_disabled_owner_s_links_lead_nowhere_until_the_owner_is_back(maria: MariaDb) -> None:
    from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
    from tests.contract.test_album_rows import sharing_on

    sharing = sharing_on(maria)
    sharing.put(b"k1")
    token_hash = sharing.share(Target(key=b"k1"))
    owner_id = sharing.rows.images.owner(DEMO).id
    account = Account(owner_id, "ada@example.org", "a hash", admin=False, disabled=False)
    assert MySqlAccountRows(maria.database()).create(account)
    assert sharing.shares.opened(token_hash) is not None
    maria.execute("UPDATE accounts SET disabled_at = UTC_TIMESTAMP(6)")
    assert sharing.shares.opened(token_hash) is None
    assert sharing.shares.row(token_hash, images_before(maria), SHOWN) is None
    maria.execute("UPDATE accounts SET disabled_at = NULL")
    assert sharing.shares.opened(token_hash) is not None


def test_links_of_an_owner_whose_account_is_gone_lead_nowhere(maria: MariaDb) -> None:
    from tests.contract.test_album_rows import sharing_on

    sharing = sharing_on(maria)
    sharing.put(b"k1")
    token_hash = sharing.share(Target(key=b"k1"))
    assert sharing.shares.opened(token_hash) is not None  # of a built-in owner, who never had one
    maria.execute("UPDATE owners SET name = CONCAT('account:', LOWER(HEX(id))) WHERE name = 'demo'")
    opened, row = sharing.shares.opened(token_hash), sharing.shares.row(token_hash, images_before(maria), SHOWN)
    maria.execute("UPDATE owners SET name = 'demo' WHERE LEFT(name, 8) = 'account:'")  # which every test has
    assert (opened, row) == (None, None)


@pytest.mark.parametrize("way", [Way.SESSION, Way.TOKEN])
def test_whoever_is_signed_in_does_it_all_on_what_is_theirs(maria: MariaDb, way: Way) -> None:
    """By sessions and tokens, whose tables stand in the same statements."""
    from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
    from tests.contract.test_album_rows import sharing_on

    sharing, accounts = sharing_on(maria), MySqlAccountRows(maria.database())
    ada, bob = (Principal("", way=way, token_hash=bytes([number]) * 32) for number in (1, 2))
    for number, principal in enumerate((ada, bob), start=5):
        owner_id = bytes([number]) * 16
        assert accounts.create(Account(owner_id, f"{number}@example.org", "a hash", admin=False, disabled=False))
        if way is Way.SESSION:
            accounts.begin_session(owner_id, principal.token_hash, None)
        else:
            token = ApiToken(owner_id, "a script", Scope.WRITE, datetime.now(UTC))
            accounts.add_token(owner_id, principal.token_hash, token)
    draft = draft_of(b"k1")
    sharing.rows.images.put(ada, draft, sharing.rows.announced(draft).id, no_precondition)
    sharing.albums.create(ada, ALBUM, "Summer", 100)
    assert sharing.albums.add(ada, ALBUM, [b"k1"], b"j" * 16, 100) is not None
    share = draft_of_share(Target(album_id=ALBUM), downloads=True)
    assert sharing.shares.create(bob, share, 100) is None
    assert sharing.shares.create(ada, share, 100) is not None
    for principal, count in ((ada, 1), (bob, 0)):
        assert len(sharing.albums.albums(principal)) == len(sharing.shares.shares(principal)) == count
        assert (
            len(sharing.albums.images(principal, ALBUM, -1, 9))
            == len(sharing.albums.holding(principal, b"k1"))
            == count
        )
        assert (sharing.albums.album(principal, ALBUM) is not None) is bool(count)
    assert len(images(sharing, share.token_hash)) == 1
    changes: list[Callable[[Principal], bool]] = [
        lambda who: sharing.albums.rename(who, ALBUM, "Autumn"),
        lambda who: sharing.albums.move(who, ALBUM, b"k1", lambda at: 0),
        lambda who: sharing.albums.choose_cover(who, ALBUM, b"k1"),
        lambda who: sharing.shares.revoke(who, share.id),
        lambda who: sharing.albums.remove(who, ALBUM, b"k1"),
        lambda who: sharing.albums.delete(who, ALBUM),
    ]
    for change in changes:
        assert (change(bob), change(ada)) == (False, True)


def test_the_row_is_found_by_keys_and_not_by_looking_through_tables(maria: MariaDb) -> None:
    """What EXPLAIN says of the statement that each shared image is read by."""
    from chalicelib.adapters.mysql import share_rows
    from tests.contract.test_album_rows import sharing_on

    sharing = sharing_on(maria)
    sharing.put(*KEYS)
    sharing.album(*KEYS)
    token_hash = sharing.share(Target(album_id=ALBUM))
    statement = (
        f"EXPLAIN SELECT i.object_key FROM {share_rows._TABLES} JOIN fleet_maps m ON m.id = 1 "  # noqa: S608
        "LEFT JOIN album_images x ON x.album_id = sh.album_id AND x.id = %s "
        "LEFT JOIN images i ON i.owner_id = sh.owner_id AND i.image_key = IF(sh.id = %s, sh.image_key, x.image_key) "
        f"{share_rows._READY} AND r.kind IN ('preview') WHERE {share_rows._IN_FORCE}"
    )
    image_id = images(sharing, token_hash)[0].id
    plan = maria.execute(statement, (image_id, image_id, token_hash))
    assert {str(step[3]) for step in plan} & {"ALL", "index"} == set(), plan


def images_before(maria: MariaDb) -> bytes:
    ((share_id,),) = maria.execute("SELECT id FROM shares")
    assert isinstance(share_id, bytes)
    return share_id


def test_jobs_of_downloads_are_those_of_the_worker(sharing: SharingUnderTest) -> None:
    sharing.put(b"k1")
    due = sharing.shares.create(DEMO, draft_of_share(Target(key=b"k1"), downloads=True), 100)
    assert due is not None
    job = sharing.rows.jobs.claim(due[0])
    assert job is not None
    assert (job.kind, jobs.render_of(job).kinds) == (jobs.RENDER, (FULL.name,))
