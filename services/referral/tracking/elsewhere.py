"""Referrals that another system makes for a practice: its owner, for pages."""

from services.referral.identity.context import ReferralContext
from shared.platform.localities import Locality
from shared.platform.web.owners import Owner
from shared.platform.web.principal import Principal


def referred_elsewhere(context: ReferralContext, caller: Principal) -> list[tuple[str, Owner]]:
    """The names of the localities of the caller's practices whose referrals another owner makes."""
    places = _places(context, caller)
    return [(each.name, owner) for each in places if (owner := context.owner(each.slug)) is not None]


def refers_here(context: ReferralContext, caller: Principal) -> bool:
    """False if all of the caller's practices refer elsewhere."""
    places = _places(context, caller)
    return not places or any(context.speaks(each.slug) for each in places)


def elsewhere_only(context: ReferralContext, caller: Principal) -> None:
    """Raises NotOwner if all of the caller's practices refer elsewhere."""
    if not refers_here(context, caller):
        context.require_ours(_places(context, caller)[0].slug)


def _places(context: ReferralContext, caller: Principal) -> list[Locality]:
    known = (context.localities.of_practice(code) for code in caller.practices)
    return list({each.slug: each for each in known if each is not None}.values())
