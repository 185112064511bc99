"""Every write about who may be placed where, one function per use case."""

from app.safeguarding.operations.clearances import (
    object_to_clearance,
    purge_clearances,
    record_clearance,
    revoke_clearance,
    share_clearance,
    unshare_clearance,
)
from app.safeguarding.operations.courses import answer_course, begin_course
from app.safeguarding.operations.exemptions import agree_exemption, ask_exemption, end_exemption, purge_exemptions
from app.safeguarding.operations.guardians import (
    answer_guardianship,
    ask_guardian,
    confirm_guardian,
    purge_guardianships,
    send_guardian_link_again,
    share_guardian,
    unshare_guardian,
    withdraw_guardianship,
)
from app.safeguarding.operations.profiles import accept_conduct, publish_conduct, set_profile

__all__ = [
    "accept_conduct",
    "agree_exemption",
    "answer_course",
    "answer_guardianship",
    "ask_exemption",
    "ask_guardian",
    "begin_course",
    "confirm_guardian",
    "end_exemption",
    "object_to_clearance",
    "publish_conduct",
    "purge_clearances",
    "purge_exemptions",
    "purge_guardianships",
    "record_clearance",
    "revoke_clearance",
    "send_guardian_link_again",
    "set_profile",
    "share_clearance",
    "share_guardian",
    "unshare_clearance",
    "unshare_guardian",
    "withdraw_guardianship",
]
