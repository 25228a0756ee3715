"""OSC address patterns (`?`, `*`, `[a-z]`, `[!a-z]`, `{one,two}`) against a fixed set of addresses.

A part of a pattern is matched by keeping the set of all positions it may have reached, so that no pattern, however
hostile, takes more than (length of the pattern) · (length of the address) steps; regular expressions can take forever.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_SPECIAL = frozenset("?*[]{}")
_CACHED = 256
_LEAF = ""

Token = tuple[str, frozenset[str], tuple[str, ...]]
"""Kind (`star`, `any`, `in`, `not`, `words`), characters of a class, alternative words."""

_STAR: Token = ("star", frozenset(), ())
_ANY: Token = ("any", frozenset(), ())


class PatternError(ValueError):
    """A pattern with a bracket that is not closed."""


def is_pattern(address: str) -> bool:
    """Whether an address has any of the pattern characters."""
    return not _SPECIAL.isdisjoint(address)


def parse_part(part: str) -> tuple[Token, ...]:
    """The tokens of one part (between slashes) of a pattern; raises PatternError."""
    tokens: list[Token] = []
    at = 0
    while at < len(part):
        character = part[at]
        if character in "[{":
            end = part.find("]" if character == "[" else "}", at + 1)
            if end < 0:
                raise PatternError(f"{character} is not closed; close it")
            inside = part[at + 1 : end]
            tokens.append(_character_class(inside) if character == "[" else ("words", frozenset(), _words(inside)))
            at = end
        elif character == "*":
            if not tokens or tokens[-1] is not _STAR:
                tokens.append(_STAR)
        else:
            tokens.append(_ANY if character == "?" else ("in", frozenset(character), ()))
        at += 1
    return tuple(tokens)


def _words(inside: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(inside.split(",")))


def _character_class(inside: str) -> Token:
    kind, inside = ("not", inside[1:]) if inside.startswith("!") else ("in", inside)
    characters: set[str] = set()
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            characters.update(map(chr, range(ord(inside[at]), ord(inside[at + 2]) + 1)))
            at += 3
        else:
            characters.add(inside[at])
            at += 1
    return (kind, frozenset(characters), ())


def part_matches(tokens: tuple[Token, ...], text: str) -> bool:
    """Whether one part of a pattern matches one part of an address, whole."""
    reached = {0}
    for kind, characters, words in tokens:
        if not reached:
            return False
        if kind == "star":
            reached = set(range(min(reached), len(text) + 1))
        elif kind == "words":
            reached = {at + len(word) for at in reached for word in words if text.startswith(word, at)}
        elif kind == "any":
            reached = {at + 1 for at in reached if at < len(text)}
        else:
            inside = kind == "in"
            reached = {at + 1 for at in reached if at < len(text) and (text[at] in characters) is inside}
    return len(text) in reached


class AddressIndex:
    """A set of addresses that patterns are matched against; the latest 256 answers are remembered."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._root: dict = {}
        for address in addresses:
            node = self._root
            for part in address.split("/")[1:]:
                node = node.setdefault(part, {})
            node[_LEAF] = address
        self.find = lru_cache(_CACHED)(self._find)

    def _find(self, pattern: str) -> tuple[str, ...]:
        """All addresses that `pattern` matches, in the order they were given; raises PatternError."""
        nodes = [self._root]
        for part in pattern.split("/")[1:]:
            tokens, known = parse_part(part), {}
            following = []
            for node in nodes:
                for name, below in node.items():
                    if name not in known:
                        known[name] = name != _LEAF and part_matches(tokens, name)
                    if known[name]:
                        following.append(below)
            nodes = following
        return tuple(node[_LEAF] for node in nodes if _LEAF in node)
