"""A service's use cases through its one-tap link: answer, report the first visit, be introduced."""

from dataclasses import dataclass
from typing import Final

from services.matching.casework.sharing import Sharing
from services.matching.clients.casework import CaseworkAway
from services.matching.clients.vault import MailAway, Mailer, NotInVault, Vault, VaultAway
from services.matching.command_runner import CommandRunner
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.prescribing import commands
from services.matching.prescribing.inputs import FirstVisit, NoVisit, ServiceReply
from services.matching.provider.link_states import LinkEnded, LinkKey, LinkStates
from services.matching.provider.links import LinkAltered, LinkClaims, LinkExpired, Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import (
    CODE_MINUTES,
    CodeExpired,
    Codes,
    TooManyCodes,
    WrongCode,
)
from services.matching.provider.passing_on import PassingOn
from services.matching.provider.views import Introduced
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of
from shared.contract.history import Prescription
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.audit import AuditKind, Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_SAID_YES: Final = frozenset({"accepted", "started"})


@dataclass
class OneTapUseCases:
    """Changes without a sign-in. The signed token names the prescription and the service."""

    runner: CommandRunner
    links: Links
    link_states: LinkStates
    codes: Codes
    vault: Vault
    mailer: Mailer
    mailboxes: Mailboxes
    directory: Directory
    sharing: Sharing
    passing_on: PassingOn

    async def answer_link(self, token: str, said: ServiceReply, key: str | None = None) -> Done | None:
        """Records the service's answer through its link, in place of an earlier one.

        None if directory has another owner by now, to whom the answer was passed on.

        Raises:
            Problem: 404 `link_altered`, 410 `link_expired` or `link_ended`, 409 `case_ended`.
            Problem: 422 for a missing number of weeks or reason, 503 if the owner does not answer.
        """
        claims = await read_link(self.links, self.link_states, token)
        if self.passing_on.to(claims.locality):
            await self.passing_on.reply(claims, said, key)
            return None
        return await self.record_reply(claims, said, key)

    async def record_reply(self, claims: LinkClaims, said: ServiceReply, key: str | None = None) -> Done:
        """Records the answer of the service that holds a link with these claims."""
        context, row = await self._context(claims, key)
        of = claims.prescription_id
        return await self.runner.run(
            context,
            row,
            "link-reply",
            (of, said),
            lambda: commands.reply(of, said, "directory"),
        )

    async def visited_link(
        self, token: str, visit: FirstVisit | NoVisit, key: str | None = None
    ) -> Done | None:
        """Records, for the service, the first visit or the barrier to it, or passes it on."""
        claims = await read_link(self.links, self.link_states, token)
        if self.passing_on.to(claims.locality):
            await self.passing_on.visit(claims, visit, key)
            return None
        return await self.record_visit(claims, visit, key)

    async def record_visit(
        self, claims: LinkClaims, visit: FirstVisit | NoVisit, key: str | None = None
    ) -> Done:
        """Records the first visit for the service that holds a link with these claims."""
        context, row = await self._context(claims, key)
        of = claims.prescription_id
        return await self.runner.run(
            context,
            row,
            "link-visit",
            (of, visit),
            lambda: (
                commands.started(of, visit, "directory")
                if isinstance(visit, FirstVisit)
                else commands.not_started(of, visit, "directory")
            ),
        )

    async def places_link(self, token: str) -> bool:
        """Records that the service has places again, for all people. False if that was passed on."""
        claims = await read_link(self.links, self.link_states, token)
        if self.passing_on.to(claims.locality):
            await self.passing_on.places(claims)
            return False
        await self.record_places(claims)
        return True

    async def answer_passed_on(
        self, claims: LinkClaims, said: ServiceReply | FirstVisit | NoVisit | None, key: str | None
    ) -> None:
        """Records what reached a former owner of directory on its link. None: places are free again.

        Raises:
            Problem: 404 `unknown_prescription`, 409 `link_ended` if our link for it was ended here.
        """
        try:
            await find_linked(self.runner.kernel.mongo, claims)
        except Problem:
            raise problem_of(Refused("unknown_prescription")) from None
        state = await self.link_states.state(claims.locality, claims.prescription_id)
        if state.ended_at is not None:
            raise Problem(409, code="link_ended", detail="The link of this service has ended.")
        if said is None:
            await self.record_places(claims)
        elif isinstance(said, ServiceReply):
            await self.record_reply(claims, said, key)
        else:
            await self.record_visit(claims, said, key)

    async def record_places(self, claims: LinkClaims) -> None:
        """Records that the service that holds a link with these claims has places again."""
        await find_linked(self.runner.kernel.mongo, claims)
        if not await self.directory.places_free(
            claims.service_id, Change(link_caller(claims), "places_free", locality=claims.locality)
        ):
            raise Problem(410, code="no_longer_asked", detail="This is no longer asked of you.")

    async def send_code(self, token: str) -> None:
        """Sends a six-digit code to the service's registered e-mail address, valid for 15 minutes.

        409 `not_agreed` if name and contact may not be shared or the service has not said yes, 409
        `no_address` or `sandbox`, 429 after five codes in an hour, 503 if the mail cannot be handed over.
        """
        claims = await read_link(self.links, self.link_states, token)
        self.runner.owners.require_ours("directory", claims.locality)
        context, row = await self._context(claims, None)
        if self.runner.localities.is_sandbox(claims.locality):
            raise problem_of(Refused("sandbox"))
        await self._agreed(claims, row)
        await self._audited(context, claims, row, "ask_code")
        service = (await self.directory.services([claims.service_id])).get(claims.service_id)
        # An unconfirmed mailbox may belong to a stranger.
        usable = await self.mailboxes.usable([service] if service else [])
        if service is None or service.email is None or service.id not in usable:
            raise Problem(409, code="no_address", detail="There is no email address to send the code to.")
        try:
            code = await self.codes.make(claims.locality, claims.prescription_id)
        except TooManyCodes:
            raise Problem(429, code="too_many_codes", detail="Try again in an hour.") from None
        try:
            await self.mailer.send_code(service.email, code, self.runner.kernel.new_id(), CODE_MINUTES)
        except MailAway:
            raise Problem(
                503, code="mail_away", detail="The code cannot be sent just now. Try again in a minute."
            ) from None

    async def reveal(self, token: str, code: str) -> Introduced:
        """Returns name and telephone, once, in exchange for the code.

        403 `wrong_code` (five tries a code), 410 `code_expired`, 410 `link_ended` with the 20th wrong code.
        """
        claims = await read_link(self.links, self.link_states, token)
        self.runner.owners.require_ours("directory", claims.locality)
        context, row = await self._context(claims, None)
        await self._agreed(claims, row)
        referral_id = row["referral"]
        try:
            checked = await self._checked(context, claims, referral_id, code)
            await self._audited(context, claims, row, "introduce")
            people = await self.vault.people(
                claims.locality,
                [referral_id],
                ("name", "telephone"),
                "introduction",
                context.caller.subject,
            )
            person = people.get(referral_id)
            if person is None or "name" not in person:
                raise NotInVault
            await self.codes.use(claims.locality, claims.prescription_id, checked)
        except CodeExpired:
            raise Problem(
                410, code="code_expired", detail="That code no longer holds. Ask for another."
            ) from None
        except NotInVault:
            raise Problem(
                409, code="not_in_vault", detail="The link worker will introduce you instead."
            ) from None
        except VaultAway:
            raise Problem(
                503, code="vault_away", detail="Try again in a minute with the same code."
            ) from None
        return Introduced(str(person["name"]), person.get("telephone"))

    async def _checked(self, context: RequestContext, claims: LinkClaims, referral_id: str, code: str) -> str:
        """Checks a code and returns the argument of `Codes.use`. A wrong code counts against the link.

        Raises CodeExpired, or a Problem.
        """
        link = LinkKey(claims.locality, referral_id, claims.prescription_id, claims.generation)
        tries = await self.link_states.begin_try(link)
        try:
            if not tries:
                raise WrongCode
            checked = await self.codes.check(claims.locality, claims.prescription_id, code)
        except WrongCode:
            if await self.link_states.was_wrong(link):
                await self.runner.kernel.audit.reads(
                    context.caller,
                    "link_ended_by_codes",
                    [referral_id],
                    "introduction",
                    claims.locality,
                    AuditKind.CHANGE,
                )
            await still_stands(self.link_states, claims)
            raise Problem(
                403, code="wrong_code", detail="That is not the code. Check the latest email."
            ) from None
        except CodeExpired:
            await self.link_states.was_no_try(link)
            raise
        await self.link_states.was_no_try(link)
        return checked

    async def _context(self, claims: LinkClaims, key: str | None) -> tuple[RequestContext, Row]:
        row = await find_linked(self.runner.kernel.mongo, claims)
        return RequestContext(link_caller(claims), key), row

    async def _audited(self, context: RequestContext, claims: LinkClaims, row: Row, action: str) -> None:
        """Audits the reveal. A repeat is distinct from the first."""
        again = await self.codes.shown_at(claims.locality, claims.prescription_id) is not None
        named = f"{action}_again" if again else action
        trail = self.runner.kernel.audit
        await trail.reads(context.caller, named, [row["referral"]], "introduction", claims.locality)

    async def _agreed(self, claims: LinkClaims, row: Row) -> None:
        view = await self.runner.kernel.view(row["locality"], row["referral"])
        one = linked_prescription(view.story.prescriptions if view else (), claims)
        if view is None or not view.open or one is None:
            raise _not_agreed()
        try:
            shared = await self.sharing.agreed(row["locality"], row["referral"], view, one)
        except CaseworkAway:
            raise Problem(503, code="casework_away", detail="Try again in a minute.") from None
        if not may_reveal(one, shared=shared):
            raise _not_agreed()


def may_reveal(one: Prescription, *, shared: bool) -> bool:
    """Tests for the service's yes and the person's agreement to be introduced."""
    return shared and one.status in _SAID_YES


def _not_agreed() -> Problem:
    return Problem(409, code="not_agreed", detail="The link worker will introduce you.")


def linked_prescription(prescriptions: tuple[Prescription, ...], claims: LinkClaims) -> Prescription | None:
    """The prescription of a link, if it is still asked."""
    for one in prescriptions:
        if one.prescribed.prescription_id == claims.prescription_id:
            return one if one.prescribed.service_id == claims.service_id else None
    return None


async def read_link(links: Links, states: LinkStates, token: str) -> LinkClaims:
    """Reads the claims of a link. Raises a Problem if it is not valid."""
    try:
        claims = links.read(token)
    except LinkAltered:
        raise Problem(
            404, code="link_altered", detail="This link is not complete. Copy all of it from the email."
        ) from None
    except LinkExpired:
        raise Problem(
            410, code="link_expired", detail="This link is too old. Ring the link worker."
        ) from None
    await still_stands(states, claims)
    return claims


async def still_stands(states: LinkStates, claims: LinkClaims) -> None:
    """Raises a 410 Problem for a link that ended before its time; its extension `why` gives the reason."""
    try:
        await states.check(claims.locality, claims.prescription_id, claims.generation)
    except LinkEnded as ended:
        raise Problem(
            410, code="link_ended", detail="This link has ended. Ring the link worker.", why=ended.why.value
        ) from None


async def find_linked(mongo: Mongo, claims: LinkClaims) -> Row:
    """The stored referral of a link. Raises a 410 Problem if the service is no longer asked."""
    row: Row | None = await mongo[REFERRALS].find_one(
        {
            "locality": claims.locality,
            "view.prescriptions": {
                "$elemMatch": {"id": claims.prescription_id, "service": claims.service_id}
            },
            "view.created": {"$ne": None},
        }
    )
    if row is None:
        raise Problem(410, code="no_longer_asked", detail="This is no longer asked of you.")
    return row


def link_caller(claims: LinkClaims) -> Principal:
    """The service that holds the link, as a caller."""
    return Principal(f"link:{claims.service_id}", "provider", frozenset({claims.locality}))
