"""Fields of settings: each with its line in the generated documentation."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import Field, SecretStr
from pydantic.config import JsonDict

from shared.platform.web.production import Reach

# The end of the description of a setting that may be a list of keys.
LISTED: Final = " A list with commas, newest first: the first writes, all read."


def setting(default: Any = ..., *, description: str, example: str, **limits: Any) -> Any:
    """A field with its line in the generated documentation."""
    return Field(default, description=description, examples=[example], **limits)


def address(default: str, *, description: str, example: str, reach: Reach) -> Any:
    """A field that holds an address over HTTP; in production, `reach` says which are refused."""
    return setting(default, description=description, example=example, json_schema_extra={"reach": reach})


def numbered(name: str, keys: Iterable[str]) -> dict[str, str]:
    """The keys of a list by the setting's name, those after the first with their place."""
    return {name if at == 1 else f"{name}[{at}]": key for at, key in enumerate(keys, start=1)}


def secret(*, description: str, development: str, shortest: int = 32, listed: bool = False) -> Any:
    """A secret without a default, except `development` where LINKWORK_ENV=development.

    `shortest` is the least number of characters accepted in production. `listed`: it may be a list of keys,
    newest first. Annotate the field `SecretStr`.
    """
    extra: JsonDict = {"secret": True, "development": development, "shortest": shortest, "listed": listed}
    if listed:
        description += LISTED
    return Field(SecretStr(""), description=description, examples=["(a secret)"], json_schema_extra=extra)
