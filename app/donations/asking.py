"""How Stripe is asked to make something once, when it answers with an error of its own.

Under the same key Stripe gives the same answer again, its own errors included, for a day at least
(https://docs.stripe.com/api/idempotent_requests): asking again under that key helps only while no answer came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from app.core.db import db, transaction
from app.donations.gateway import GatewayError
from app.donations.operations import tries

log = structlog.get_logger(__name__)
T = TypeVar("T")
# Once under the saved key, and once more under the next, when it was not made.
TIMES = 2


def make_once(base: str, post: Callable[[str], T], find: Callable[[], T | None] = lambda: None) -> T:
    """What `post` makes at Stripe under the key that derives from `base`, a name of the saved row that is asked for. Call it
    outside a transaction.

    After an error of Stripe's own, `find` looks whether it was made all the same; when it was not, the next try is saved, and
    has a key of its own. Without `find` it may simply be made twice. Raises GatewayError; one that Stripe keeps leaves the
    next key saved, so that the same again goes on.
    """
    number = tries.find_number(base)
    db.session.rollback()
    for left in reversed(range(TIMES)):
        try:
            return post(tries.key_of(base, number))
        except GatewayError as error:
            if not error.is_kept:
                raise
            log.warning("stripe.failed", base=base.rpartition("-")[0], code=error.code)
            made = find()
            if made is not None:
                return made
            with transaction():
                number = tries.count_up(base, number)
            if not left:
                raise
    raise AssertionError
