"""A referral as people name it to each other where its person must not be named."""


def short_reference(referral_id: str) -> str:
    """The random end of a referral's id: short enough for a title, a subject line and the telephone."""
    return referral_id[-6:]
