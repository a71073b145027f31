"""No page, template or service keeps labels of codes of its own: they would drift apart."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, get_args

import pytest
from jinja2 import Environment, nodes

from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.contract.history.model import MeetingStatus, PrescriptionStatus

ROOT: Final = Path(__file__).parents[3]
FOLDERS: Final = ("services", "shared", "deploy", "linkwork")
ENUMS: Final = [
    one
    for one in (*vars(v).values(), Stage)
    if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum
]
VALUES: Final = {
    *(code.value for codes in ENUMS for code in codes),
    *get_args(MeetingStatus),
    *get_args(PrescriptionStatus),
    *labels.ANSWERS,
    *labels.ROLES,
    *labels.NOT_SENT,
} - {"yes", "no"}
MEMBERS: Final = {f"{codes.__name__}.{code.name}" for codes in ENUMS for code in codes}

# It tells on the command line what each invented person is for; there is no label in it.
EXEMPT: Final = ROOT / "deploy" / "local" / "welcome.py"


Pair = tuple[nodes.Node | None, nodes.Node | None]


def sources(ending: str) -> list[Path]:
    found = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob(f"*{ending}")))
    return [
        path for path in found if path.parent != ROOT / "shared" / "contract" / "labels" and path != EXEMPT
    ]


def is_label(text: object) -> bool:
    """True if a text is for people: it has a capital or a space."""
    return isinstance(text, str) and (text[:1].isupper() or " " in text.strip())


def tables_in_python(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and codes of every mapping, call or list of pairs that gives two or more codes a label.

    A table of other things may hold a word that is also a code: at least half of its keys must be.
    """
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Dict():
                pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key]
                codes = [code for key, value in pairs if (code := code_of(key)) and labelled(value)]
                codes = codes if 2 * len(codes) >= len(pairs) else []
            case ast.Call():
                codes = [
                    word.arg
                    for word in node.keywords
                    if word.arg is not None
                    and word.arg in VALUES
                    and isinstance(word.value, ast.Constant)
                    and labelled(word.value)
                ]
            case ast.Tuple() | ast.List():
                pairs = [
                    (each.elts[0], each.elts[1])
                    for each in node.elts
                    if isinstance(each, ast.Tuple) and len(each.elts) == 2
                ]
                codes = [code for key, value in pairs if (code := code_of(key)) and labelled(value)]
            case _:
                continue
        if len(codes) > 1:
            yield node.lineno, codes


def code_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and node.value in VALUES:
        return str(node.value)
    name = ".".join(ast.unparse(node).split(".")[-2:])
    return name if name in MEMBERS else None


def labelled(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(labelled, node.elts))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and is_label(node.value))


def tables_in_template(text: str) -> Iterator[tuple[int, list[str]]]:
    """The same in a template, and chains of conditions that put a text in the place of each code."""
    environment = Environment(autoescape=True)
    for node in environment.parse(text).find_all(
        (nodes.Dict, nodes.Tuple, nodes.List, nodes.If, nodes.CondExpr)
    ):
        match node:
            case nodes.Dict():
                pairs: list[Pair] = [(pair.key, pair.value) for pair in node.items]
            case nodes.Tuple() | nodes.List():
                pairs = [
                    (each.items[0], each.items[1])
                    for each in node.items
                    if isinstance(each, nodes.Tuple) and len(each.items) == 2
                ]
            case nodes.If():
                pairs = [(compared(branch.test), said(branch.body)) for branch in (node, *node.elif_)]
            case nodes.CondExpr():
                pairs = list(conditions(node))
            case _:
                continue
        codes = [code for key, value in pairs if (code := code_in(key)) and is_text(value)]
        if len(codes) > 1:
            yield node.lineno, codes


def conditions(node: nodes.CondExpr) -> Iterator[Pair]:
    yield compared(node.test), node.expr1
    if isinstance(node.expr2, nodes.CondExpr):
        yield from conditions(node.expr2)


def compared(test: nodes.Node) -> nodes.Node | None:
    return test.ops[0].expr if isinstance(test, nodes.Compare) and test.ops[0].op == "eq" else None


def said(body: list[nodes.Node]) -> nodes.Node | None:
    """The one thing that a branch prints, where it prints one thing and does nothing else."""
    texts = [part for out in body if isinstance(out, nodes.Output) for part in out.nodes]
    return texts[0] if len(body) == 1 and len(texts) == 1 else None


def code_in(node: nodes.Node | None) -> str | None:
    return str(node.value) if isinstance(node, nodes.Const) and node.value in VALUES else None


def is_text(node: nodes.Node | None) -> bool:
    return (isinstance(node, nodes.Const) and is_label(node.value)) or (
        isinstance(node, nodes.TemplateData) and is_label(node.data.strip())
    )


@pytest.mark.parametrize("path", sources(".py"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_has_no_labels_of_its_own(path: Path) -> None:
    assert not list(tables_in_python(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path",
    [*sources(".html"), *sources(".jinja"), *sources(".txt")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_template_has_no_labels_of_its_own(path: Path) -> None:
    assert not list(tables_in_template(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        '{v.UnmetReason.DECLINED: "The service said no", v.UnmetReason.FULL: "Full"}',
        '{"debt": "Managing debt", "job": "A job"}',
        'words(debt="Managing debt", job="A job")',
        '(("accepted", "Yes, they can help"), ("full", "They are full"))',
        '{"too_late": ("Too late", "It could not be sent."), "no_channel": ("No way", "It rings.")}',
    ],
)
def test_table_in_python_is_found(text: str) -> None:
    assert [len(codes) for _, codes in tables_in_python(text)] == [2]


@pytest.mark.parametrize(
    "text",
    [
        '{{ {"accepted": "You said yes", "full": "You are full"}[reply] }}',
        '{{ radios((("accepted", "Yes, they can"), ("full", "They are full"))) }}',
        '{% if mode == "home" %}at your home{% elif mode == "phone" %}by phone{% endif %}',
        '{{ "At home" if mode == "home" else "By telephone" if mode == "phone" else place }}',
    ],
)
def test_table_in_template_is_found(text: str) -> None:
    assert any(len(codes) == 2 for _, codes in tables_in_template(text))
