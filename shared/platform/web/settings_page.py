"""Settings classes as Markdown, for docs/settings.md."""

from collections.abc import Iterable

from pydantic.fields import FieldInfo

from shared.platform.web.settings import PREFIX, ServiceSettings


def settings_table(settings: type[ServiceSettings], *, own_only: bool = False) -> str:
    """One Markdown table; `own_only` leaves out what ServiceSettings already lists."""
    rows = ["| variable | means | default | example |", "|---|---|---|---|"]
    for name, field in settings.model_fields.items():
        if not own_only or _own(name, field):
            rows.append(_row(name, field))
    return "\n".join(rows) + "\n"


def settings_page(services: Iterable[type[ServiceSettings]]) -> str:
    """The whole page: what all services know, then what each adds."""
    parts = ["# Settings\n\nEnvironment variables. Generated from the settings classes: `make docs`.\n"]
    parts.append("## All services\n\n" + settings_table(ServiceSettings))
    parts += [f"## {each.service}\n\n" + settings_table(each, own_only=True) for each in services]
    return "\n".join(parts)


def _own(name: str, field: FieldInfo) -> bool:
    common = ServiceSettings.model_fields.get(name)
    return common is None or (field.default, field.description) != (common.default, common.description)


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("secret"):
        default = "none: required in production"
    else:
        default = f"`{field.default}`" if field.default not in ("", None) else "empty"
    example = f"`{field.examples[0]}`" if field.examples else ""
    return f"| `{PREFIX}{name.upper()}` | {field.description} | {default} | {example} |"
