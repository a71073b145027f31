"""What the codes are called on pages: the words of practices and services, not ours."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shared.events import vocabulary as v

Words = Mapping[str, str]


def _words(**of: str) -> Words:
    return MappingProxyType(of)


NEEDS: Words = _words(
    debt="Managing debt",
    benefits="Benefits",
    job="Finding a job",
    housing="Housing",
    befriending="Befriending and lunch clubs",
    exercise="Leisure and exercise",
    outdoors="Getting outdoors",
    gardening="Gardening and animal care",
    craft="Craft groups",
    caring="Caring for someone",
    bereavement="Bereavement",
    other="Something else",
    not_sure="Not sure yet",
    sensitive="Something they would rather say in person",
)

SENSITIVE_NEEDS: Words = _words(
    abuse="Abuse",
    substances="Alcohol or drugs",
    gambling="Gambling",
    offending="Offending",
    immigration="Immigration",
)

PLANNED_NEEDS: tuple[v.Need, ...] = tuple(need for need in v.Need if need is not v.Need.NOT_SURE)
"""What a plan can be made for: by the end of a meeting one is sure."""

NEXT_STEPS: Words = _words(
    meet="Meet",
    ring="Ring them",
    text="Text them",
    wait_for_slot="Wait for an appointment",
    wait_for_service="Hear from the service",
    go_along="Go along with them",
    check_first_visit="Check that the first visit happened",
    review="Review the plan",
    close="Close",
)

PLAN_STEPS: Words = _words(
    meet="We meet again",
    ring="Your link worker rings you",
    text="Your link worker texts you",
    wait_for_slot="You hear from us about an appointment",
    wait_for_service="The service gets in touch with you",
    go_along="We go along together",
    check_first_visit="Your link worker asks how the first visit went",
    review="We look at the plan together",
    close="We say goodbye for now",
)
"""The same steps as the person reads them."""

CHANNELS: Words = _words(phone="Telephone", text="Text", email="Email", letter="Letter", visit="Visit")

TRIED: Words = _words(phone="Rang", text="Texted", email="Emailed", letter="Wrote a letter", visit="Visited")

BARRIERS: Words = _words(
    transport="Getting there",
    cost="Cost",
    nerves="Nerves",
    times="Days or times",
    health="Health",
    caring="Caring for someone",
    changed_mind="Changed their mind",
    service="Something at the service",
)

UNMET: Words = _words(
    no_service="There is no service",
    full="Full",
    too_far="Too far",
    cost="Costs too much",
    hours="Wrong days or times",
    ineligible="They would not be taken",
    access="Not accessible",
    declined="They do not want what there is",
)

ENDED: Words = _words(
    completed="Completed",
    left="Stopped going",
    moved="Moved away",
    health="Health",
    service_ended="The service ended",
    other="Something else",
)

CLOSED: Words = _words(
    completed="The plan is complete",
    no_longer_wants="They no longer want it",
    not_reached="They could not be reached",
    moved_away="They moved away",
    died="They died",
    nothing_suitable="There was nothing suitable",
    other="Something else",
)

DECLINED: Words = _words(
    does_not_want="They do not want it",
    not_reached="They could not be reached",
    needs_other_care="They need other care first",
    outside_programme="They are outside the programme’s area",
    duplicate="They have been referred already",
    other="Something else",
)

RETURNED: Words = _words(
    more_detail="More detail is needed",
    wrong_place="It came to the wrong place",
    needs_other_care="They need other care first",
)

NOT_SUITABLE: Words = _words(
    age="Age",
    area="They live too far away",
    need="We do not help with this",
    access="Our place is not accessible to them",
    safety="Safety",
    closed="We have closed or are closing",
    other="Something else",
)

ACCOMPANIED: Words = _words(
    nobody="Nobody",
    link_worker="Link worker",
    volunteer="Volunteer",
    family_or_friend="Family or friend",
    not_known="Not known",
)

AGREED: Words = _words(not_asked="Not asked yet", yes="Yes", no="No")

AGREED_ASKING = (("yes", "Yes"), ("no", "No"), ("not_asked", "Not asked yet"))
"""The same in the order in which one asks."""

ACCESS: Words = _words(
    step_free="Step-free access",
    hearing="Help with hearing",
    sight="Help with sight",
    speech="Help with speech",
    reading="Help with reading",
    memory="Help with memory",
    carer_comes="A carer comes too",
    home_visit="Visits at home",
)

WAITING: Words = _words(
    no_slot="No appointment is free yet",
    no_link_worker="There is no link worker for this practice yet",
    person_not_reached="They have not been reached",
    asked_later="They asked for a later time",
)

MODES: Words = _words(face_to_face="Face to face", home="At home", phone="By telephone", video="By video")

ROUTES: Words = _words(
    practice="their practice",
    hub="the community hub",
    care_navigator="a care navigator",
    hospital="the hospital",
    council="the council",
    self="themselves",
)

STAGES: Words = _words(
    unknown="Not known yet",
    waiting="Waiting",
    booked="Meeting booked",
    missed="Did not come",
    met="Met",
    prescribed="Plan agreed",
    started="First visit made",
    declined="Declined",
    returned="Returned",
    withdrawn="Withdrawn",
    closed="Closed",
    erased="Erased",
)

STAGE_COLOURS: Words = _words(
    waiting="orange", booked="blue", missed="red", met="purple", prescribed="aqua-green", started="green"
)
"""Beside the word, never instead of it; every other stage is grey."""

PRESCRIPTIONS: Words = _words(
    asked="Asked, no answer yet",
    signposted="Details given",
    accepted="Service said yes",
    waiting_list="On a waiting list",
    full="Service is full",
    not_suitable="Service said not suitable",
    started="First visit made",
    not_started="First visit did not happen",
    ended="Ended",
)

PRESCRIPTION_COLOURS: Words = _words(
    asked="blue",
    signposted="white",
    accepted="aqua-green",
    waiting_list="yellow",
    full="red",
    not_suitable="red",
    started="green",
    not_started="orange",
)

LANGUAGES: Words = _words(
    ar="Arabic",
    bn="Bengali",
    bg="Bulgarian",
    cs="Czech",
    cy="Welsh",
    en="English",
    es="Spanish",
    fa="Farsi",
    fr="French",
    gu="Gujarati",
    hi="Hindi",
    hu="Hungarian",
    it="Italian",
    ku="Kurdish",
    lt="Lithuanian",
    lv="Latvian",
    pa="Punjabi",
    pl="Polish",
    ps="Pashto",
    pt="Portuguese",
    ro="Romanian",
    ru="Russian",
    sk="Slovak",
    so="Somali",
    ta="Tamil",
    ti="Tigrinya",
    tr="Turkish",
    uk="Ukrainian",
    ur="Urdu",
    zh="Chinese",
    bfi="British Sign Language",
)


def listed(words: Iterable[str], last: str = "and") -> str:
    """One, two and three."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def lower_first(text: str) -> str:
    """For the middle of a sentence. Abbreviations keep their capitals."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 meeting, 2 meetings."""
    return f"{count} {one if count == 1 else many or one + 's'}"
