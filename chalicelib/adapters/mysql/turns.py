"""Rows of what is made in stretches, by runs of the worker. Of two runs at once the later one's word counts."""

from collections.abc import Callable

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.adapters.mysql.due_jobs import insert_jobs
from chalicelib.domain.jobs import Job


def take_turn(transaction: Transaction, table: str, row_id: bytes) -> None:
    """From here on a run that began before has no say."""
    transaction.change(f"UPDATE {table} SET turn = turn + 1 WHERE id = %s", (row_id,))


def end_stretch(
    transaction: Transaction,
    row: tuple[str, bytes, str],
    turn: int,
    save: Callable[[], None],
    done_job: bytes | None,
    following: Job | None,
) -> bool:
    """Whether it is saved, with the jobs: not if another run has taken the turn, or the row is not under way any more.

    `row` is the table, the row's id, and the condition under which it is under way.
    """
    table, row_id, under_way = row
    found = transaction.select(f"SELECT turn FROM {table} WHERE id = %s AND {under_way} FOR UPDATE", (row_id,))
    if following is not None and transaction.select("SELECT 1 FROM jobs WHERE id = %s", (following.id,)):
        return True  # committed, its answer was lost
    if found != [(turn,)]:
        return False
    save()
    if done_job is not None:
        transaction.change("DELETE FROM jobs WHERE id = %s", (done_job,))
    if following is not None:
        insert_jobs(transaction, [following])
    return True
