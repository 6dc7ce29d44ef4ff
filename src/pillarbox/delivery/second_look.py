"""Is everybody still there? Asked again when the message has come, before it is stored.

Between RCPT and the end of DATA lies up to an hour. An account that is removed meanwhile has
its maildrop removed, too: a message stored after that would lie there for whoever gets the
name next. An account that has only been changed cannot be told from one that was removed and
made again, so its sender is asked to come back; RCPT then speaks of what is there now.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.delivery import replies
from pillarbox.delivery.address import AddressBook, Addressee
from pillarbox.delivery.replies import Refused, Reply

log = structlog.get_logger("pillarbox.delivery")


async def not_there(book: AddressBook, addressees: Sequence[Addressee]) -> dict[str, Refused]:
    """The users who cannot be given the message after all, and why. One read a user."""
    first = {addressee.account.user: addressee for addressee in reversed(addressees)}
    refusals: dict[str, Refused] = {}
    for user, addressee in first.items():
        try:
            await _look(book, addressee)
        except Refused as refusal:
            refusals[user] = refusal
        except AuthUnavailable as error:
            log.warning("directory unavailable", recipient=addressee.address, problem=str(error))
            refusals[user] = Refused(replies.DIRECTORY_DOWN)
        except Exception:
            log.exception("directory failed in an unforeseen way", recipient=addressee.address)
            refusals[user] = Refused(replies.INTERNAL_ERROR)
    return refusals


async def _look(book: AddressBook, addressee: Addressee) -> None:
    """See that the account is the one that it was.

    Raises:
        Refused: it is not.
        AuthUnavailable: the directory cannot be asked now.
    """
    # bare, foreign: RCPT has judged the address already.
    found = await book.find(addressee.address, bare=True, foreign=replies.NO_SUCH_DOMAIN)
    before, now = addressee.account, found.account
    if (before.user, before.generation) != (now.user, now.generation):
        raise Refused(replies.ACCOUNT_CHANGED)


def one_refusal(refusals: dict[str, Refused], addressees: Sequence[Addressee]) -> Reply:
    """SMTP's single reply when somebody is not there: nothing has been stored yet.

    As long as anybody is, the sender had better come again: RCPT will tell them apart.
    """
    found = {refusal.reply for refusal in refusals.values()}
    everybody = all(addressee.account.user in refusals for addressee in addressees)
    if everybody and len(found) == 1:
        return found.pop()
    return next((r for r in found if r.outcome == "deferred"), replies.ACCOUNT_CHANGED)
