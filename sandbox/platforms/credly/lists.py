"""Lists: the grammar of filters and sorting, and pages that name the whole address of the next (contract 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from sandbox.platforms.credly.organization import Badge, Organization, Template

T = TypeVar("T")
Json = dict[str, Any]
#: whether an item passes for a value
Filters = Mapping[str, Callable[[T, list[str]], bool]]


def badge_filters(organization: Organization) -> Filters[Badge]:
    """The filters on badges that clients have been seen to use; one by template is not among them."""
    return {
        "recipient_email": lambda badge, values: badge.recipient_email.lower() in _lowered(values),
        "recipient_email_all": lambda badge, values: any(
            organization.users.get(value) == badge.user for value in _lowered(values)
        ),
        "issuer_earner_id": lambda badge, values: badge.issuer_earner_id in values,
        "user_id": lambda badge, values: badge.user in values,
        "state": lambda badge, values: badge.state in values,
    }


TEMPLATE_FILTERS: Filters[Template] = {
    "state": lambda template, values: template.state in values,
    "query": lambda template, values: any(value in template.name.lower() for value in _lowered(values)),
    "name": lambda template, values: any(value.strip('"') == template.name for value in values),
}
BADGE_ORDERS: Mapping[str, Callable[[Badge], Any]] = {
    "created_at": lambda badge: badge.created_at,
    "issued_at": lambda badge: badge.issued_at,
    "state_updated_at": lambda badge: badge.state_updated_at,
    "badge_templates[name]": lambda badge: badge.template.name,
}
TEMPLATE_ORDERS: Mapping[str, Callable[[Template], Any]] = {"name": lambda template: template.name}


def filtered(items: Sequence[T], wish: str, filters: Filters[T], ignored: set[str]) -> list[T]:
    """What passes every part of a filter. A key that is not known filters nothing, and is noted."""
    found = list(items)
    for part in filter(None, wish.split("|")):
        key, _, value = part.partition("::")
        passes = filters.get(key)
        if passes is None:
            ignored.add(f"filter {key}")
            continue
        values = value.split(",")
        found = [item for item in found if passes(item, values)]
    return found


def ordered(items: list[T], wish: str, orders: Mapping[str, Callable[[T], Any]], ignored: set[str]) -> list[T]:
    """In the order that is asked for, the last key first, so that the first decides."""
    for part in reversed(list(filter(None, wish.split("|")))):
        key = orders.get(part.removeprefix("-"))
        if key is None:
            ignored.add(f"sort {part}")
        else:
            items = sorted(items, key=key, reverse=part.startswith("-"))
    return items


def paged(forms: Sequence[Json], page: int, size: int, address: str, query: Mapping[str, str]) -> Json:
    """One page with its metadata."""
    pages = max(1, -(-len(forms) // size))
    shown = list(forms[(page - 1) * size : page * size])

    def page_url(number: int) -> str | None:
        if not 1 <= number <= pages:
            return None
        return f"{address}?{urlencode({**query, 'page': str(number)})}"

    return {
        "data": shown,
        "metadata": {
            "count": len(shown),
            "current_page": page,
            "total_count": len(forms),
            "total_pages": pages,
            "per": size,
            "previous_page_url": page_url(page - 1),
            "next_page_url": page_url(page + 1),
        },
    }


def _lowered(values: Sequence[str]) -> list[str]:
    return [value.lower() for value in values]
