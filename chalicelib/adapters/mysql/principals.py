"""Whose rows a statement is about: the part of SQL that decides whether a session or a token is in force.

It stands in the very statement that reads or locks the rows, so that a session that ended is ended for whatever begins
afterwards, everywhere.
"""

from dataclasses import dataclass

from chalicelib.adapters.mysql.database import Args
from chalicelib.domain.accounts import SESSION_IDLE_SECONDS, Principal, Way
from chalicelib.domain.errors import NotSignedInError, RowsUnavailableError, StoreError

_ACCOUNT = "JOIN accounts a ON a.owner_id = {0}.owner_id AND a.disabled_at IS NULL JOIN owners o ON o.id = {0}.owner_id"
# Whether anything may come from an owner `o`, whose account is `a` if it has one, where no session is asked. An owner
# that was made for an account is nobody's once the account is gone; built-in owners never had one.
OWNER_IN_FORCE = "IF(a.owner_id IS NULL, LEFT(o.name, 8) <> 'account:', a.disabled_at IS NULL)"
SESSION_IN_FORCE = (
    f"s.ends_at > UTC_TIMESTAMP(6) AND s.seen_at > UTC_TIMESTAMP(6) - INTERVAL {SESSION_IDLE_SECONDS} SECOND"
)


@dataclass(frozen=True, slots=True)
class Whose:
    """`tables` give the owner's row as `o`; `echo` is the column that repeats what was asked, the one of `args`."""

    tables: str
    condition: str
    echo: str
    asked: bytes

    @property
    def args(self) -> Args:
        return (self.asked,)


def nobody(principal: Principal) -> StoreError:
    """What is to be raised when the statement finds no owner."""
    if principal.way is Way.NAME:
        return RowsUnavailableError(f"There is no owner “{principal.name}” in this environment.")
    return NotSignedInError("You are not signed in any more. Sign in again.")


def whose(principal: Principal, writing: bool = False) -> Whose:
    """The owner that the principal is."""
    if principal.way is Way.SESSION:
        tables = f"sessions s {_ACCOUNT.format('s')}"
        return Whose(tables, f"s.token_hash = %s AND {SESSION_IN_FORCE}", "s.token_hash", principal.token_hash)
    if principal.way is Way.TOKEN:
        scope = " AND tk.scope = 'write'" if writing else ""  # `t` is taken by statements that join this
        return Whose(
            f"api_tokens tk {_ACCOUNT.format('tk')}",
            f"tk.token_hash = %s{scope}",
            "tk.token_hash",
            principal.token_hash,
        )
    return Whose("owners o", "o.name = %s", "o.name", principal.name.encode())
