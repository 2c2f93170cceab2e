"""A request that carries an Idempotency-Key is done once; sent again, it is answered as the first time."""

from collections.abc import Callable

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import DoneBeforeError, RowsUnavailableError
from chalicelib.domain.idempotency import Asked
from chalicelib.domain.upload_ports import AnswerRows


def once(answers: AnswerRows, principal: Principal, asked: Asked, perform: Callable[[], str]) -> str:
    """The kept answer, or that of `perform`, whose transaction keeps it. Raises what `perform` raises.

    Of two at the same moment both perform, and one finds the other's answer when it would commit: nothing has to be
    claimed beforehand, so nothing stays claimed after a crash. Raises IdempotencyKeyReusedError.
    """
    kept = answers.kept(principal, asked)
    if kept is not None:
        return kept
    try:
        return perform()
    except DoneBeforeError as error:
        kept = answers.kept(principal, asked)
        if kept is None:
            raise RowsUnavailableError("The same request was done meanwhile; send it again.") from error
        return kept
