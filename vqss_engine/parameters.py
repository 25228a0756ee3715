"""The vocabulary: every parameter, action and outgoing message of the product, as data.

One path serves as OSC address, preset key, `--set` key and GUI binding. Standard library only.

`Parameter` holds a value that can be read, set and watched; `Action` is an event that somebody handles;
`Feed` is a message that only goes out. All three share `path`, `types`, `access`, `range_text` and
`description`, so that one loop can print or publish them all.
"""

from __future__ import annotations

import math
import numbers
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from vqss_engine.errors import UsageError

Value = float | int | bool | str | tuple[float, ...]
"""What a parameter can hold; a tuple where it has more than one number."""

_FLOAT32_ROUNDING = 2.0**-23
TYPE_TAGS = {"float": "f", "int": "i", "switch": "i", "string": "s", "blob": "b"}
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
_ON, _OFF = ("1", "on", "true", "yes"), ("0", "off", "false", "no")


class ParameterError(UsageError):
    """A refused address or value: the path, what was given, and what is allowed, in words."""

    def __init__(self, address: str, value: object, allowed: str) -> None:
        self.address, self.value, self.allowed = address, value, allowed
        super().__init__(f"{_short(address)}: {_short(repr(value))} is refused; give {allowed}")


class UnknownAddress(ParameterError):
    """An address that the vocabulary does not have (now)."""

    def __init__(self, address: str) -> None:
        super().__init__(address, None, "a known address")
        self.args = (f"{_short(address)}: unknown address; `vqss osc` lists them all",)


def is_plain(text: str) -> bool:
    """Whether `text` is one line that can be sent as UTF-8: spaces and joiners of any script, no control characters."""
    return not any(unicodedata.category(character) in _CONTROLS for character in text)


def shown(text: str) -> str:
    """`text` with a question mark for each character that cannot be printed."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _short(text: str, limit: int = 80) -> str:
    """`text` on one line and not longer than `limit`, for error messages about hostile input."""
    text = shown(text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."


@dataclass(frozen=True)
class Argument:
    """One value in words and bounds. `kind`: float, int, switch, string or blob; bounds are inclusive."""

    name: str
    kind: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    default: Value | None = None
    """None: the argument must be given."""

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if self.kind == "switch":
            return "0 or 1"
        if self.kind == "string":
            return f"a text of at most {self.maximum:g} characters, without control characters"
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self.minimum:g} to {self.maximum:g} {self.unit}".rstrip()

    def check(self, address: str, value: object) -> float | int | bool | str:
        """`value` in the type of this argument.

        Numbers are taken as int or float, switches also as bool. What exceeds a bound by no more than the
        rounding of a 32-bit float is put on the bound; anything else, NaN and infinity included, raises
        ParameterError.
        """
        if self.kind == "string":
            return self._check_text(address, value)
        if isinstance(value, bool) and self.kind == "switch":
            return value
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ParameterError(address, value, self.allowed)
        try:
            number = float(value)
        except OverflowError:
            raise ParameterError(address, value, self.allowed) from None
        return self._check_number(address, value, number)

    def _check_number(self, address: str, value: object, number: float) -> float | int | bool:
        low = 0.0 if self.minimum is None else self.minimum
        high = 1.0 if self.maximum is None else self.maximum
        slack = _FLOAT32_ROUNDING * max(abs(low), abs(high))
        if not math.isfinite(number) or not low - slack <= number <= high + slack:
            raise ParameterError(address, value, self.allowed)
        if self.kind == "float":
            return min(max(number, low), high)
        if number != int(number):
            raise ParameterError(address, value, self.allowed)
        return bool(number) if self.kind == "switch" else int(number)

    def _check_text(self, address: str, value: object) -> str:
        limit = int(self.maximum or 0)
        if not isinstance(value, str) or len(value) > limit or not is_plain(value):
            raise ParameterError(address, value, self.allowed)
        return value


@dataclass(frozen=True)
class Parameter:
    """A value with an address. `default` is a tuple where `arguments` has more than one entry.

    `view_of` names the parameter whose value this one shows in another unit (a fader shows a gain).
    `form` restricts a text: a pattern and its description in words. `to_text` formats a value for people.
    """

    path: str
    arguments: tuple[Argument, ...]
    default: Value
    description: str
    view_of: str = ""
    form: tuple[re.Pattern[str], str] | None = None
    to_text: Callable[[Value], str] | None = field(default=None, compare=False)
    access = "read, write"

    @property
    def types(self) -> str:
        """OSC type tags, one letter a value; a switch is `i` (and is also taken as f, T or F)."""
        return "".join(TYPE_TAGS[argument.kind] for argument in self.arguments)

    @property
    def kind(self) -> str:
        """float, int, switch or string (that of the first value)."""
        return self.arguments[0].kind

    @property
    def minimum(self) -> float | None:
        """The lower bound of a number."""
        return self.arguments[0].minimum

    @property
    def maximum(self) -> float | None:
        """The upper bound of a number; of a text, its length."""
        return self.arguments[0].maximum

    @property
    def unit(self) -> str:
        """The unit of the value, '' for none."""
        return self.arguments[0].unit

    @property
    def range_text(self) -> str:
        """The allowed values in words."""
        return self.form[1] if self.form else " and ".join(argument.allowed for argument in self.arguments)

    def check(self, value: object) -> Value:
        """`value` in this parameter's type; raises ParameterError with address, value and allowed range."""
        if len(self.arguments) > 1:
            if not isinstance(value, (tuple, list)) or len(value) != len(self.arguments):
                raise ParameterError(self.path, value, f"{len(self.arguments)} numbers: {self.range_text}")
            pairs = zip(self.arguments, value, strict=True)
            return tuple(float(argument.check(self.path, item)) for argument, item in pairs)
        if isinstance(value, (tuple, list)) and len(value) == 1:
            value = value[0]
        checked = self.arguments[0].check(self.path, value)
        if self.form and not self.form[0].fullmatch(str(checked)):
            raise ParameterError(self.path, value, self.range_text)
        return checked

    def parse(self, text: str) -> Value:
        """The value that a text such as `-6`, `-6 dB`, `on` or `2 7.5` stands for; raises ParameterError."""
        if self.kind == "string":
            return self.check(text)
        words = text.strip().lower().removesuffix(self.unit.lower()).replace(",", " ").split()
        if self.kind == "switch":
            words = ["1" if word in _ON else "0" if word in _OFF else word for word in words]
        try:
            return self.check(tuple(float(word) for word in words))
        except ValueError:
            raise ParameterError(self.path, text, self.range_text) from None

    def text(self, value: Value) -> str:
        """`value` for people: `-6.0 dB`, `on`, `centre`, `12.50 s`."""
        if self.to_text:
            return self.to_text(value)
        if isinstance(value, tuple):
            return " ".join(f"{item:.2f}" for item in value) + f" {self.unit}".rstrip()
        if self.kind == "switch":
            return "on" if value else "off"
        number = f"{value:.2f}" if isinstance(value, float) else str(value)
        return f"{number} {self.unit}".rstrip()


@dataclass(frozen=True)
class Action:
    """A named event with arguments; arguments with a default may be left out, from the end."""

    path: str
    description: str
    arguments: tuple[Argument, ...] = ()
    access = "write"

    @property
    def types(self) -> str:
        """OSC type tags of all arguments; optional ones in brackets."""
        tags = [(TYPE_TAGS[a.kind], a.default is not None) for a in self.arguments]
        return "".join(f"[{tag}]" if optional else tag for tag, optional in tags)

    @property
    def range_text(self) -> str:
        """The arguments in words."""
        return ", ".join(f"{a.name}: {a.allowed}" for a in self.arguments)

    def check(self, values: tuple[object, ...]) -> tuple[Value, ...]:
        """All arguments in their types, defaults filled in; raises ParameterError."""
        required = sum(argument.default is None for argument in self.arguments)
        if not required <= len(values) <= len(self.arguments):
            raise ParameterError(self.path, values, self.range_text or "no arguments")
        given = [a.check(self.path, value) for a, value in zip(self.arguments, values, strict=False)]
        rest = [argument.default for argument in self.arguments[len(given) :]]
        return (*given, *(value for value in rest if value is not None))


@dataclass(frozen=True)
class Feed:
    """A message that is only sent. `types` may be a formula in K, the number of clusters."""

    path: str
    types: str
    description: str
    range_text: str = ""
    access = "read"


def with_index(parameter: Parameter, k: int) -> Parameter:
    """The parameter of cluster `k` from a template with `{k}` in its paths."""
    return replace(parameter, path=parameter.path.format(k=k), view_of=parameter.view_of.format(k=k))
