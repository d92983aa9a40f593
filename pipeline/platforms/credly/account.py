"""What an account at Credly is told: which organization, by which token, and how its learners are treated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from marshmallow import fields, validate

from pipeline.options import Hosted, Secret
from pipeline.platforms.credly.badges import Id

_LOCALES = ("en", "fr", "de", "ko", "ja", "zh-CN", "pt", "es-ES", "es-US", "fr-CA", "pt-BR")


class CredlySchema(Hosted):
    """One organization at Credly."""

    hosts: ClassVar[Mapping[str, str]] = {
        "production": "https://api.credly.com",
        "sandbox": "https://sandbox-api.credly.com",
    }

    organization = Id(required=True)
    #: the organization's authorization token, which lives for 180 days
    token = Secret(required=True)
    #: put in front of the learner's id, where several learning platforms use the same ids
    earner_prefix = fields.String(load_default="")
    #: what becomes of a learner with one name alone, as Credly demands two: a person decides, or it is said twice
    single_name = fields.String(load_default="hold", validate=validate.OneOf(["hold", "repeat"]))
    #: who tells the learner: with `confer` Credly's own mails and reminders are suppressed
    notify = fields.String(load_default="platform", validate=validate.OneOf(["platform", "confer"]))
    #: the language of Credly's mails; without it Credly's default, en
    locale = fields.String(load_default=None, validate=validate.OneOf(_LOCALES))
    #: `list` looks for a badge among all of the organization, should Credly not answer for a single one (contract 4)
    read_by = fields.String(load_default="id", validate=validate.OneOf(["id", "list"]))
