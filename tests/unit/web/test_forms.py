"""Fields of a form: texts without space around them, and the hidden key."""

from io import BytesIO

from starlette.datastructures import FormData, UploadFile

from shared.platform.web.csrf import IDEMPOTENCY_FIELD
from shared.platform.web.forms import idempotency_key, text_field


def test_text_field_is_stripped_and_cut() -> None:
    assert text_field(FormData({"name": "  Leeds  "}), "name", 3) == "Lee"


def test_text_field_not_sent_is_empty() -> None:
    assert text_field(FormData(), "name") == ""


def test_text_field_sent_as_file_is_empty() -> None:
    assert text_field(FormData({"name": UploadFile(BytesIO(b"x"))}), "name") == ""


def test_idempotency_key_is_cut_at_80_characters() -> None:
    assert idempotency_key(FormData({IDEMPOTENCY_FIELD: "k" * 90})) == "k" * 80
