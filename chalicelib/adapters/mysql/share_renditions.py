"""What links let others download: made due within the transaction that makes it wanted."""

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.image_renditions import insert_due
from chalicelib.adapters.mysql.image_rows import bump
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.jobs import Render
from chalicelib.domain.renditions import FULL

_LACKING = (
    "SELECT i.image_key, i.object_key FROM {0} LEFT JOIN renditions r "
    "ON r.owner_id = i.owner_id AND r.image_key = i.image_key AND r.kind = %s WHERE i.owner_id = %s AND r.kind IS NULL "
)


def owe_downloads(
    transaction: Transaction,
    owner: Owner,
    job_id: bytes,
    *,
    album_id: bytes | None = None,
    key: bytes | None = None,
) -> tuple[bytes, ...]:
    """Makes the full-size renditions due that links to the album, or to the image, let others download: their jobs.

    The owner's row is locked. What is there, due or failed already is left as it is.
    """
    if album_id is not None:
        tables = "album_images x JOIN images i ON i.owner_id = x.owner_id AND i.image_key = x.image_key"
        condition, of = "x.album_id = %s", album_id
        wanted = "album_id = %s"
    else:
        tables, condition, of, wanted = "images i", "i.image_key = %s", key or b"", "image_key = %s"
    if not transaction.select(
        f"SELECT 1 FROM shares WHERE owner_id = %s AND {wanted} AND downloads = 1 "
        "AND (ends_at IS NULL OR ends_at > UTC_TIMESTAMP(6)) LIMIT 1",
        (owner.id, of),
    ):
        return ()
    lacking = transaction.select(f"{_LACKING.format(tables)} AND {condition}", (FULL.name, owner.id, of))
    due = []
    for number, (image_key, object_key) in enumerate(lacking):
        insert_due(transaction, owner, image_key, object_key, [FULL.name])
        order = Render(owner.id, image_key, object_key, (FULL.name,))
        due.append(jobs.render_job(derived_id(job_id, number), order))
    insert_jobs(transaction, due)
    if due:
        bump(transaction, owner)
    return tuple(job.id for job in due)
