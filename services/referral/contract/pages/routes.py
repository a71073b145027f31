"""Routes of the pages under /contract/. Nobody signs in."""

from functools import cache
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.referral.contract.catalogue import DOCUMENTS, ROOT, files, files_under
from services.referral.contract.markdown import Document, document_of, inline
from services.referral.contract.pages.events import kinds, kinds_of
from services.referral.web.templating import render
from shared.contract.compatibility.published import status
from shared.contract.stories import load_all
from shared.platform.web.problem import Problem

router = APIRouter(include_in_schema=False)

_README: Final = "README"
# Documents beside the files that they describe, by their names here.
_BESIDE: Final = {
    "vectors": "shared/contract/history/vectors",
    "vectors-of-the-log": "shared/contract/events/vectors",
    "stories": "shared/contract/stories",
}


@cache
def documents() -> dict[str, Document]:
    """The documents of docs/contract, that for partners, and those beside vectors and stories, by name."""
    found = {path.stem: (path, "docs/contract") for path in sorted(DOCUMENTS.glob("*.md"))}
    found["partners"] = (DOCUMENTS.parent / "partners.md", "docs")
    found |= {name: (ROOT / folder / "README.md", folder) for name, folder in _BESIDE.items()}
    texts = {name: (path.read_text(encoding="utf-8"), folder) for name, (path, folder) in found.items()}
    return {name: document_of(text, folder) for name, (text, folder) in texts.items()}


@router.get("/contract")
@router.get("/contract/")
def index(request: Request) -> Response:
    """The index of the contract."""
    folders = {name: files_under(name) for name in ("schemas", "asyncapi", "openapi", "vectors")}
    return render(
        request,
        "contract/index.html",
        status=200,
        published=status(),
        events={event: kinds_of(event) for event in dict.fromkeys(event for event, _ in kinds())},
        inline=inline,
        documents={name: each for name, each in documents().items() if name != _README},
        introduction=documents().get(_README),
        folders=folders,
        stories=list(load_all().values()),
    )


@router.get("/contract/about/{name}")
def about(request: Request, name: str) -> Response:
    """One document."""
    document = documents().get(name)
    if document is None or name == _README:
        raise Problem(404)
    return render(request, "contract/document.html", document=document)


@router.get("/contract/events/{event}")
def event_page(request: Request, event: str) -> Response:
    """One event with its kinds."""
    found = kinds_of(event)
    if not found:
        raise Problem(404)
    schema = files()[found[0].schema]
    return render(request, "contract/event.html", event=event, kinds=found, schema=schema, inline=inline)


@router.get("/contract/events/{event}/{kind}")
def kind_page(request: Request, event: str, kind: str) -> Response:
    """One kind: who says it, every property, an example."""
    found = kinds().get((event, kind))
    if found is None:
        raise Problem(404)
    return render(request, "contract/kind.html", kind=found, inline=inline)
