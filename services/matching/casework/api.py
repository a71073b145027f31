"""HTTP: cases and the services of their plans."""

from fastapi import APIRouter, Request

from services.matching.referral_state.views import CaseLine, Done
from services.matching.web import answers, bodies
from services.matching.web.features import features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    DeskCaller,
    HandsOverCaller,
    Key,
    OwnCaller,
    Reference,
    asked,
)
from shared.contract.events import vocabulary as v


def case_routes() -> APIRouter:
    """Routes on a case."""
    router = APIRouter(prefix=f"{BASE}/referrals/{{referral_id}}", tags=["cases"], responses=REFUSALS)

    @router.get("")
    async def case(request: Request, referral_id: Reference, caller: OwnCaller) -> CaseLine:
        """The case as a line: codes, dates and references."""
        return (await queries(request).referrals.case(caller, referral_id)).line

    @router.get("/options")
    async def options(request: Request, referral_id: Reference, caller: OwnCaller) -> answers.OptionsOut:
        """Suitable times for a case, earliest first."""
        found = await queries(request).booking.options_for(caller, referral_id)
        return answers.OptionsOut(options=[answers.SlotOut.of(slot) for slot in found])

    @router.get("/services")
    async def services(
        request: Request, referral_id: Reference, need: v.Need, caller: OwnCaller
    ) -> answers.SuggestedOut:
        """Services ranked for this person and need, each with why and why not."""
        ranked = await queries(request).prescribing.ranked_services(caller, referral_id, need)
        return answers.SuggestedOut(services=[answers.RankedOut.of(one) for one in ranked])

    @router.post("/book")
    async def book(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.Moving, key: Key = None
    ) -> Done:
        """A meeting where none is booked."""
        return await features(request).booking.book(asked(caller, key), referral_id, body.slot)

    @router.post("/later")
    async def later(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.Later, key: Key = None
    ) -> Done:
        """Not before that day."""
        return await features(request).booking.defer(asked(caller, key), referral_id, body.on)

    @router.post("/plan")
    async def plan(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.PlanIn, key: Key = None
    ) -> Done:
        """What was agreed at a meeting."""
        return await features(request).casework.plan(
            asked(caller, key), referral_id, body.record(), body.meeting_id
        )

    @router.post("/prescriptions", status_code=201)
    async def prescribe(
        request: Request,
        referral_id: Reference,
        caller: OwnCaller,
        body: bodies.PrescriptionIn,
        key: Key = None,
    ) -> Done:
        """Adds a service to the plan."""
        by = asked(caller, key)
        return await features(request).prescribing.prescribe(
            by, referral_id, body.prescribing(), body.next_step
        )

    @router.post("/contacts", status_code=201)
    async def contact(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.ContactIn, key: Key = None
    ) -> Done:
        """The person was rung or written to."""
        return await features(request).casework.contact(
            asked(caller, key), referral_id, body.channel, body.reached, body.note, body.next_step
        )

    @router.post("/unmet-needs", status_code=201)
    async def unmet(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.UnmetIn, key: Key = None
    ) -> Done:
        """Nothing suitable for a need."""
        return await features(request).casework.unmet(
            asked(caller, key), referral_id, body.need, body.reason, body.next_step
        )

    @router.post("/retractions", status_code=201)
    async def retract(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.RetractIn, key: Key = None
    ) -> Done:
        """Undoes one fact."""
        return await features(request).casework.retract(
            asked(caller, key), referral_id, body.source, body.event_id, body.reason
        )

    @router.post("/next-step")
    async def next_step(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.NextStepIn, key: Key = None
    ) -> Done:
        """What happens next, and by when."""
        return await features(request).casework.next_step(
            asked(caller, key), referral_id, body.next_step, body.note
        )

    @router.post("/sharing")
    async def sharing(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.SharingIn, key: Key = None
    ) -> Done:
        """An agreement that the link worker asked for."""
        return await features(request).casework.sharing(
            asked(caller, key), referral_id, body.agreement, body.agreed, body.prescription_id
        )

    @router.post("/link-worker")
    async def hand_over(
        request: Request,
        referral_id: Reference,
        caller: HandsOverCaller,
        body: bodies.HandOver,
        key: Key = None,
    ) -> Done:
        """Hands the case to another link worker of the practice."""
        return await features(request).casework.change_link_worker(
            asked(caller, key), referral_id, body.link_worker
        )

    @router.post("/no-longer-wants")
    async def no_longer_wants(
        request: Request,
        referral_id: Reference,
        caller: DeskCaller,
        body: bodies.NoLongerWants | None = None,
        key: Key = None,
    ) -> Done:
        """The person does not want it any more."""
        by = body.by if body else v.By.PERSON
        return await features(request).casework.no_longer_wants(asked(caller, key), referral_id, by)

    @router.post("/close")
    async def close(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.Closing, key: Key = None
    ) -> Done:
        """Closes the case."""
        return await features(request).casework.close(asked(caller, key), referral_id, body.reason, body.note)

    @router.post("/reopen")
    async def reopen(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.Reopening, key: Key = None
    ) -> Done:
        """Undoes every end of the case, and books the meeting that was chosen."""
        return await features(request).casework.reopen(
            asked(caller, key), referral_id, body.note, body.next_step, body.meeting()
        )

    @router.post("/decline")
    async def decline(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.Declining, key: Key = None
    ) -> Done:
        """It does not begin."""
        return await features(request).casework.decline(asked(caller, key), referral_id, body.by, body.reason)

    @router.post("/return")
    async def give_back(
        request: Request, referral_id: Reference, caller: OwnCaller, body: bodies.GivingBack, key: Key = None
    ) -> Done:
        """Returns the referral to whoever made it."""
        return await features(request).casework.return_to_referrer(
            asked(caller, key), referral_id, body.reason, body.note
        )

    return router
