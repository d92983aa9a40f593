"""Which template of a platform account an award uses: its own, or the one that the account maps its kind to.

`templates` of an account in accounts.yaml maps course types and formats; a program says what `type` it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline.contracts import Account, TemplateChoice
from pipeline.values import Format

#: of a course type: a free word, such as `certification` or `workshop`
TYPE = validate.Regexp(r"^[^\s](.{0,62}[^\s])?$", error="write a word of at most 64 characters, such as `workshop`")


class ChoiceSchema(Schema):
    """One line: `{type: workshop, formats: [badge], template: "4713"}`. What is left out may be anything."""

    template = fields.String(required=True, validate=validate.Length(min=1, max=64))
    type = fields.String(validate=TYPE)
    formats = fields.List(fields.Enum(Format, by_value=True), validate=validate.Length(min=1))


def choices_from(lines: Iterable[dict[str, Any]]) -> tuple[TemplateChoice, ...]:
    """The lines of an account, as loaded by `ChoiceSchema`."""
    return tuple(
        TemplateChoice(
            template=line["template"],
            course_type=line.get("type"),
            formats=frozenset(line["formats"]) if "formats" in line else None,
        )
        for line in lines
    )


def fitting(account: Account, *, course_type: str | None, formats: Sequence[Format]) -> tuple[str, ...]:
    """The templates that an account maps an award to: of the lines that fit, those that state most.

    Exactly one is an answer; none is a mapping that is missing, several are one that is ambiguous.
    """
    lines = [
        line
        for line in account.templates
        if line.course_type in {None, course_type} and line.formats in {None, frozenset(formats)}
    ]
    most = max((line.states for line in lines), default=0)
    return tuple(dict.fromkeys(line.template for line in lines if line.states == most))


def unmapped(account: Account, found: Sequence[str], *, course_type: str | None, formats: Sequence[Format]) -> str:
    """Why no template could be selected, and what to write."""
    kind = f"{f'type `{course_type}`' if course_type else 'no type'} and formats {', '.join(formats)}"
    if found:
        several = " and ".join(found)
        return f"{account.where} maps {kind} to templates {several} alike; write `template` here, or state more there"
    return f"{account.where} maps {kind} to no template; write `template` here, or add a line to `templates` there"
