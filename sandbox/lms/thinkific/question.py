"""Reads a GraphQL question: one operation, its variables, arguments and selections, and nothing beyond."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*(?:(\$?[A-Za-z_]\w*)|(-?\d+)|("(?:[^"\\]|\\.)*")|([{}()\[\]:,!]))')
_CONSTANTS = {"true": True, "false": False, "null": None}


class Malformed(ValueError):
    """It is no question that this side could answer."""


@dataclass(frozen=True)
class Selection:
    """One field with its arguments; without inner ones it is a leaf."""

    arguments: Mapping[str, Any]
    inner: Mapping[str, Selection]


def read(text: str, variables: Mapping[str, Any]) -> Mapping[str, Selection]:
    """The fields that a query selects, with the variables put in.

    Raises:
        Malformed: it cannot be read, or names a variable that it does not declare.
    """
    return _Reader(text, variables).operation()


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _tokens(text)
        self._variables = variables
        self._declared: set[str] = set()

    def operation(self) -> Mapping[str, Selection]:
        if self._next() != "query":
            raise Malformed("only queries are answered")
        if self._peek() not in {"{", "("}:
            self._next()  # the operation's name
        if self._peek() == "(":
            self._declare()
        found = self._selections()
        if self._tokens:
            raise Malformed("something follows the query")
        if set(self._variables) - self._declared:
            raise Malformed("a variable is given that is not declared")
        return found

    def _declare(self) -> None:
        self._expect("(")
        while self._peek() != ")":
            self._declared.add(self._next().removeprefix("$"))
            self._expect(":")
            while self._peek() != ")" and not self._peek().startswith("$"):
                self._next()  # the type
        self._expect(")")

    def _selections(self) -> dict[str, Selection]:
        self._expect("{")
        found: dict[str, Selection] = {}
        while self._peek() != "}":
            name = self._next()
            arguments = self._members("(", ")") if self._peek() == "(" else {}
            found[name] = Selection(arguments, self._selections() if self._peek() == "{" else {})
        self._expect("}")
        return found

    def _members(self, start: str, end: str) -> dict[str, Any]:
        self._expect(start)
        found: dict[str, Any] = {}
        while self._peek() != end:
            name = self._next()
            self._expect(":")
            found[name] = self._value()
            self._skip_comma()
        self._expect(end)
        return found

    def _value(self) -> Any:
        part = self._peek()
        if part == "{":
            return self._members("{", "}")
        if part == "[":
            self._next()
            items = []
            while self._peek() != "]":
                items.append(self._value())
                self._skip_comma()
            self._expect("]")
            return items
        self._next()
        if part.startswith("$"):
            if part[1:] not in self._declared:
                raise Malformed(f"{part} is not declared")
            return self._variables.get(part[1:])
        if part in _CONSTANTS:
            return _CONSTANTS[part]
        try:
            return json.loads(part)
        except ValueError:
            raise Malformed(f"{part} is no value") from None

    def _skip_comma(self) -> None:
        if self._peek() == ",":
            self._next()

    def _peek(self) -> str:
        if not self._tokens:
            raise Malformed("it ends too early")
        return self._tokens[0]

    def _next(self) -> str:
        token = self._peek()
        del self._tokens[0]
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise Malformed(f"expected {token}")


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    trimmed = text.rstrip()
    while place < len(trimmed):
        match = _TOKEN.match(trimmed, place)
        if match is None:
            raise Malformed(f"cannot be read at {place}")
        found.append(match[match.lastindex or 0])
        place = match.end()
    return found
