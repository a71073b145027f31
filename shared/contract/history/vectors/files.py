"""Files of vectors: reads them, and writes them in one form, a fact and a section a line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from shared.contract.events.envelope import Refused, UnknownOutcome, moment, read_body, stamp
from shared.contract.events.fact import Fact, FactKey
from shared.contract.events.outcomes import Outcome
from shared.contract.events.topics import EventName
from shared.contract.history.fold import ALL_SECTIONS, fold_referral
from shared.contract.history.sources import ListedSources
from shared.contract.history.vectors.state import State, state_of

FORMAT: Final = 1
FOLDER: Final = Path(__file__).parent
# What a kind to come may carry beside its name: a fold of today reads nothing of it.
_OF_A_LATER_CONTRACT: Final = {"next_step": {"code": "ring", "on": "2026-11-09"}, "to_be_invented": True}


@dataclass(frozen=True, slots=True)
class Vector:
    """One case: a set of facts and the state that they fold to.

    Attributes:
        rules: the numbers of the rules of docs/contract/fold.md that it shows.
        rule: the same in a sentence.
        said: the facts as they were said, some of them more than once.
    """

    name: str
    rules: tuple[str, ...]
    rule: str
    said: tuple[Fact, ...]
    state: State

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The set of its facts."""
        return set_of(self.said)


def set_of(said: Iterable[Fact]) -> tuple[Fact, ...]:
    """These facts with each key once, as a service keeps them."""
    kept: dict[FactKey, Fact] = {}
    for fact in said:
        kept.setdefault(fact.key, fact)
    return tuple(kept.values())


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The vectors of one file.

    Attributes:
        sections: the version of each section by which the states were folded.
        sources: the priority of each source, and the part of each partner's source that brings one.
    """

    sections: Mapping[str, int]
    sources: ListedSources
    vectors: tuple[Vector, ...]


def load_all(folder: Path = FOLDER) -> dict[str, VectorFile]:
    """Every file of vectors, by name."""
    return {path.name: load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def load(text: str) -> VectorFile:
    """A file of vectors. Raises ValueError if it has another format or a fact that is none."""
    content = json.loads(text)
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']}")
    vectors = [
        Vector(
            each["name"], tuple(each["rules"]), each["rule"], tuple(map(_fact, each["facts"])), each["state"]
        )
        for each in content["vectors"]
    ]
    sources = ListedSources(content["source_priorities"], content["source_parts"])
    return VectorFile(content["sections"], sources, tuple(vectors))


def folded(file: VectorFile) -> VectorFile:
    """The same facts with the states that the reference fold gives."""
    vectors = [
        replace(v, state=state_of(fold_referral(v.facts, file.sources), ALL_SECTIONS)) for v in file.vectors
    ]
    return VectorFile({s.name: s.version for s in ALL_SECTIONS}, file.sources, tuple(vectors))


def written(file: VectorFile) -> str:
    """The text of a file. Equal content gives equal text."""
    vectors = ",\n".join(_vector(vector) for vector in file.vectors)
    return (
        "{\n"
        f' "format": {FORMAT},\n'
        f' "sections": {json.dumps(dict(file.sections))},\n'
        f' "source_priorities": {json.dumps(dict(file.sources.ranks))},\n'
        f' "source_parts": {json.dumps(dict(file.sources.brings))},\n'
        f' "vectors": [\n{vectors}\n ]\n'
        "}\n"
    )


def _vector(vector: Vector) -> str:
    facts = ",\n".join(f"    {json.dumps(fact_json(fact))}" for fact in vector.said)
    state = ",\n".join(f"    {json.dumps(name)}: {json.dumps(part)}" for name, part in vector.state.items())
    return (
        "  {\n"
        f'   "name": {json.dumps(vector.name)},\n'
        f'   "rules": {json.dumps(vector.rules)},\n'
        f'   "rule": {json.dumps(vector.rule)},\n'
        f'   "facts": [\n{facts}\n   ],\n'
        f'   "state": {{\n{state}\n   }}\n'
        "  }"
    )


def fact_json(fact: Fact) -> Mapping[str, Any]:
    """A fact as a vector has it."""
    if isinstance(fact.body, UnknownOutcome):
        about = {"referral_id": fact.body.referral_id, "locality": fact.body.locality}
        body: Any = {**about, "kind": fact.kind, **_OF_A_LATER_CONTRACT}
    else:
        # Without defaults: a reader has to know them. The kind is one, and is always said.
        body = fact.body.model_dump(mode="json", exclude_none=True, exclude_unset=True)
        if isinstance(fact.body, Outcome):
            body.pop("kind", None)
            body["kind"] = fact.kind
    return {
        "source": fact.source,
        "id": fact.id,
        "event": fact.event,
        "time": stamp(fact.time),
        "recordedtime": stamp(fact.recorded),
        "body": body,
    }


def _fact(given: Mapping[str, Any]) -> Fact:
    event: EventName = given["event"]
    body = read_body(event, json.dumps(given["body"]).encode())
    time, recorded = moment(given["time"]), moment(given["recordedtime"])
    if isinstance(body, Refused) or time is None or recorded is None:
        raise ValueError(f"{given['id']} is no fact")
    if isinstance(body, UnknownOutcome):
        body = replace(body, kind=given["body"]["kind"])
    return Fact(given["source"], given["id"], event, time, recorded, body)


def stale(folder: Path = FOLDER) -> Sequence[str]:
    """The names of files whose text is not what the reference fold gives for their facts."""
    return [
        name
        for name, file in load_all(folder).items()
        if written(folded(file)) != (folder / name).read_text(encoding="utf-8")
    ]
