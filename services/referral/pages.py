"""All page routes of this service."""

from services.referral.administration.pages import localities, notices, people, rules, table
from services.referral.audit import pages as audit
from services.referral.contract.pages import routes as contract
from services.referral.identity.pages import contact, find
from services.referral.intake.pages import refer, withdraw
from services.referral.tracking.pages import another_time, followed, home, programme
from services.referral.web.templating import static_files

# In the order in which a user comes to them.
PAGE_ROUTERS = (
    static_files.router(),
    home.router,
    refer.router,
    followed.router,
    withdraw.router,
    another_time.router,
    contact.router,
    find.router,
    programme.router,
    audit.router,
    localities.router,
    rules.router,
    notices.router,
    people.router,
    table.router,
    contract.router,
)
