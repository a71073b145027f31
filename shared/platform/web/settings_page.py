"""Settings classes as Markdown, for docs/settings.md."""

from collections.abc import Iterable

from pydantic.fields import FieldInfo

from shared.platform.web.settings import PREFIX, ServiceSettings


def settings_table(settings: type[ServiceSettings]) -> str:
    """One Markdown table of every setting of a class."""
    return _table(_row(name, field) for name, field in settings.model_fields.items())


def settings_page(services: Iterable[type[ServiceSettings]]) -> str:
    """The whole page: the settings of all services, then those of one or several services."""
    owners: dict[str, list[str]] = {}
    for each in services:
        for name, field in each.model_fields.items():
            if _own(name, field):
                owners.setdefault(_row(name, field), []).append(each.service)
    sections: dict[str, list[str]] = {}
    for row, names in owners.items():
        sections.setdefault(", ".join(names), []).append(row)
    parts = ["# Settings\n\nEnvironment variables. Generated from the settings classes: `make docs`.\n"]
    parts.append("## All services\n\n" + settings_table(ServiceSettings))
    parts += [f"## {names}\n\n" + _table(rows) for names, rows in sections.items()]
    return "\n".join(parts)


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| variable | means | default | example |", "|---|---|---|---|", *rows]) + "\n"


def _own(name: str, field: FieldInfo) -> bool:
    common = ServiceSettings.model_fields.get(name)
    return common is None or (field.default, field.description) != (common.default, common.description)


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("secret"):
        default = "none: required in production"
    else:
        default = f"`{field.default}`" if field.default is not None and str(field.default) else "empty"
    example = f"`{field.examples[0]}`" if field.examples else ""
    return f"| `{PREFIX}{name.upper()}` | {field.description} | {default} | {example} |"
