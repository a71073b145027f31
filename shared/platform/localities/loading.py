"""From localities.toml to values, refusing anything that could send a person the wrong way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from shared.contract.authority import TABLE, Referrals, SourceRole
from shared.contract.events import topics
from shared.contract.events.vocabulary import Need, SensitiveNeed
from shared.contract.programme_authority import REFERRALS, ROLES, Says, rules_of
from shared.platform.localities.document import Document, practices_of, read_document
from shared.platform.localities.entries import Entry, LocalitiesError
from shared.platform.localities.model import (
    OURS,
    OWN_VAULT,
    PARTNER,
    PARTS,
    Contact,
    Localities,
    Locality,
    Practice,
    Source,
)
from shared.platform.localities.notices import notices_in
from shared.platform.localities.ownership import claims_of, is_address, owners_of
from shared.platform.localities.practices import ODS_CODE
from shared.platform.localities.rules import rules_in
from shared.platform.people.mailbox import MailboxNotAccepted, parse_mailbox
from shared.platform.people.telephone import TelephoneNotAccepted, parse_public_telephone

LOCALITIES_FILE = Path(__file__).with_name("localities.toml")
WORDS = "one or two words of lower-case letters, with a hyphen between"
MOST_OF_A_SENDER = 40
# What a person's messages must not say: the programme, a service, a need.
TELLING = frozenset(
    {
        "social", "prescri", "link", "referral", "communit", "support", "debt", "money", "hous", "lonel",
        "alcohol", "drug", "mental", "bereave",
    }
    | {code.value for code in (*Need, *SensitiveNeed)}
)  # fmt: skip
# The key of the programme's table of who may say what.
SAYS = "says"
SOURCE_PARTS = (*topics.OUR_SOURCES, PARTNER)
# Our own sources, and the operator's.
RESERVED_NAMES = frozenset({*topics.OUR_SOURCES, "control", OURS})


def load_localities(path: Path = LOCALITIES_FILE) -> Localities:
    """Reads the file. Raises LocalitiesError with one sentence that names the entry at fault."""
    return localities_of(read_document(path), path.name)


class _Taken(NamedTuple):
    """The slugs so far, and the locality of each practice. A country has thousands."""

    slugs: set[str]
    practices: dict[str, str]


def localities_of(document: Document, name: str) -> Localities:
    """The table of a document. Sentences of LocalitiesError begin with the document's name."""
    file = Entry(name, document)
    known = practices_of(file)
    programme = file.entry("programme")
    named = programme.text("name")
    hub = _contact(programme.entry("hub"))
    everyones = programme.entries("sources")
    rules = rules_of(_says(programme.entry(SAYS))) if programme.has(SAYS) else TABLE
    programme_rules = rules_in(programme)
    slugs = [entry.text("slug") for entry in file.entries("locality") if entry.is_text("slug")]
    notices = notices_in(programme, slugs)
    programme.done()
    taken = _Taken(set(), {})
    entries = file.entries("locality")
    localities = [_locality(name, entry, everyones, known, taken) for entry in entries]
    file.done()
    if not localities:
        raise LocalitiesError(f"{name}: there is no locality.")
    inside = {practice.ods for locality in localities for practice in locality.practices}
    outside = tuple(practice for ods, practice in known.items() if ods not in inside)
    return Localities(
        named,
        hub,
        tuple(localities),
        outside,
        rules=rules,
        programme_rules=programme_rules,
        notices=notices,
    )


def document_says(document: Document, name: str) -> Says | None:
    """The document's table of who may say what; None if it leaves that to the contract.

    Raises:
        LocalitiesError: an entry is wrong.
    """
    programme = Entry(name, document).entry("programme")
    return _says(programme.entry(SAYS)) if programme.has(SAYS) else None


def _says(entry: Entry) -> Says:
    return {kind: dict(_roles(entry.entry(kind))) for kind in entry.names()}


def _roles(entry: Entry) -> Iterator[tuple[SourceRole, Referrals]]:
    for name in entry.names():
        role = next((each for each in ROLES if each == name), None)
        whose = next((each for each in REFERRALS if each == entry.text(name)), None)
        if role is None:
            raise LocalitiesError(f"{entry.where}: {name} is no role; roles are {', '.join(ROLES)}.")
        if whose is None:
            raise LocalitiesError(f"{entry.where}: {name} must be one of {', '.join(REFERRALS)}.")
        yield role, whose


def _locality(
    file: str,
    entry: Entry,
    everyones: list[Entry],
    known: dict[str, Practice],
    taken: _Taken,
) -> Locality:
    slug = entry.text("slug")
    if topics.parse_topic(topics.topic(slug, "referral-created")) is None:
        raise LocalitiesError(f"{entry.where}: slug must be {WORDS}.")
    if slug in topics.RESERVED_SLUGS:
        raise LocalitiesError(f"{entry.where}: slug {slug} is reserved for topics that are not a locality's.")
    if slug in taken.slugs:
        raise LocalitiesError(f"{file}: there are two localities called {slug}.")
    taken.slugs.add(slug)
    entry.where = f"{file}, locality {slug}"
    own = entry.entries("sources") if entry.has("sources") else []
    sources = _sources(slug, [*everyones, *own])
    owners, epochs = owners_of(entry, sources.values())
    sandbox = entry.yes("sandbox") if entry.has("sandbox") else False
    locality = Locality(
        slug=slug,
        name=entry.text("name"),
        place=entry.text("place"),
        live_from=entry.day("live_from"),
        data_controller=entry.text("data_controller"),
        employer=entry.text("employer"),
        privacy_notice=_https(entry, "privacy_notice"),
        minimum_age=entry.whole("minimum_age", at_least=0, at_most=120),
        younger_people=_contact(entry.entry("younger_people")),
        safeguarding=_contact(entry.entry("safeguarding")),
        practices=_practices(slug, entry, known, taken.practices, sandbox=sandbox),
        sources=MappingProxyType(sources),
        owners=MappingProxyType(owners),
        epochs=MappingProxyType(epochs),
        handing_over=MappingProxyType(claims_of(entry, sources.values())),
        text_sender=_neutral(entry, "text_sender") if entry.has("text_sender") else None,
        sandbox=sandbox,
    )
    entry.done()
    return locality


def _practices(
    slug: str, entry: Entry, known: dict[str, Practice], taken: dict[str, str], *, sandbox: bool
) -> tuple[Practice, ...]:
    """The locality's practices: of the register, or invented ones in a sandbox. Adds them to `taken`."""
    found: list[Practice] = []
    for item in entry.entries("practices"):
        ods, site = item.text("ods"), item.text("site")
        if sandbox:
            practice = _invented(item, ods, known)
        elif ods not in known:
            raise LocalitiesError(f"{entry.where}: practice {ods} is not in the file of practices.")
        else:
            practice = known[ods]
        if ods in taken:
            raise LocalitiesError(f"{entry.where}: practice {ods} belongs to {taken[ods]} already.")
        taken[ods] = slug
        name = item.text("name") if item.has("name") else site
        mailbox = _email(item, "mailbox") if item.has("mailbox") else None
        found.append(replace(practice, name=name, site=site, locality=slug, mailbox=mailbox))
        item.done()
    if not found:
        raise LocalitiesError(f"{entry.where}: there is no practice.")
    return tuple(found)


def _invented(item: Entry, ods: str, known: dict[str, Practice]) -> Practice:
    """A practice that only a sandbox has, so that no real one can be referred from there."""
    if ods in known or not ODS_CODE.fullmatch(ods):
        raise LocalitiesError(
            f"{item.where}: {ods} must be a code like Z00001 that no real practice has: this is a sandbox."
        )
    return Practice(ods, "", "", item.text("postcode"), None, None)


def _sources(slug: str, entries: list[Entry]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for entry in entries:
        name, part = entry.text("name"), entry.text("part")
        if part not in SOURCE_PARTS:
            raise LocalitiesError(f"{entry.where}: part must be one of {', '.join(SOURCE_PARTS)}.")
        vault = OWN_VAULT if entry.text("vault") == OWN_VAULT else _https(entry, "vault")
        source = f"/{slug}/{name}"
        if topics.locality_of_source(source) != slug:
            raise LocalitiesError(f"{entry.where}: name must be {WORDS}.")
        if source in found:
            raise LocalitiesError(f"{entry.where}: {source} is named twice.")
        if name != part and name in RESERVED_NAMES:
            raise LocalitiesError(f"{entry.where}: {name} is a name of ours, which no partner may have.")
        rank = entry.whole("rank", at_least=1, at_most=1000)
        found[source] = Source(
            source, part, rank, vault, _api(entry, source, part), _pages(entry, source, part)
        )
        entry.done()
    for each, entry in zip(found.values(), entries, strict=True):
        _weighs_as_ours(entry, each, found)
    return found


def _weighs_as_ours(entry: Entry, source: Source, known: Mapping[str, Source]) -> None:
    """Refuses a source that brings a part at another rank than ours.

    The fold takes the word of the higher rank: the lower owner's reasons would never show.
    """
    part = source.brings
    if part is None:
        return
    ours = [each for each in known.values() if part in topics.our_parts(each.source)]
    # Before each part had a source of its own, one spoke for three.
    own = next((each for each in ours if each.part == part), next(iter(ours), None))
    if own is not None and source.rank != own.rank:
        raise LocalitiesError(
            f"{entry.where}: rank must be {own.rank}, which is that of {own.source}, since {source.source} "
            f"brings {part}: of two owners of a part, the later word must count."
        )


def _api(entry: Entry, source: str, part: str) -> str | None:
    """The address of a partner's operations; over plain http on this machine alone."""
    if not entry.has("api"):
        return None
    address = entry.text("api")
    if topics.our_parts(source) or part not in PARTS:
        raise LocalitiesError(f"{entry.where}: only a partner's source that brings a part has an api.")
    if not is_address(address):
        raise LocalitiesError(
            f"{entry.where}: api must start with https:// (or with http:// and this machine's loopback) and "
            "end with host or port."
        )
    return address.rstrip("/")


def _pages(entry: Entry, source: str, part: str) -> str | None:
    """The address to which people go for a part that a partner owns."""
    if not entry.has("pages"):
        return None
    if topics.our_parts(source) or part not in PARTS:
        raise LocalitiesError(f"{entry.where}: only a partner's source that brings a part has pages.")
    return _https(entry, "pages")


def _contact(entry: Entry) -> Contact:
    contact = Contact(entry.text("name"), _telephone(entry, "telephone"), _email(entry, "email"))
    entry.done()
    return contact


def _telephone(entry: Entry, key: str) -> str:
    try:
        return parse_public_telephone(entry.text(key))
    except TelephoneNotAccepted:
        raise LocalitiesError(f"{entry.where}: {key} must be a telephone number, without words.") from None


def _email(entry: Entry, key: str) -> str:
    try:
        return parse_mailbox(entry.text(key))
    except MailboxNotAccepted:
        raise LocalitiesError(f"{entry.where}: {key} must be one e-mail address.") from None


def _neutral(entry: Entry, key: str) -> str:
    """A name that whoever looks at somebody's telephone learns nothing from."""
    name = entry.text(key)
    if len(name) > MOST_OF_A_SENDER:
        raise LocalitiesError(f"{entry.where}: {key} must have {MOST_OF_A_SENDER} letters at most.")
    told = sorted(word for word in TELLING if re.search(rf"\b{word}", name.lower()))
    if told:
        raise LocalitiesError(f"{entry.where}: {key} must not say what messages are about ({told[0]}).")
    return name


def _https(entry: Entry, key: str) -> str:
    address = entry.text(key)
    if not address.startswith("https://"):
        raise LocalitiesError(f"{entry.where}: {key} must start with https://.")
    return address
