"""Form fields for the parts of rules: lists, conditions, named groups. Without JavaScript conditions are JSON."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from configuration.ruleset.ruleset import Condition, NamedGroup

T = TypeVar("T")


class SeenValues(forms.TextInput):
    """A text that may be anything, with values of the property's hits to choose from."""

    values: Sequence[str] = ()

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), "list": f"seen-{name}", "autocomplete": "off"}, renderer)
        options = format_html_join("", '<option value="{}">', ((each,) for each in self.values))
        return format_html('{}<datalist id="seen-{}">{}</datalist>', field, name, options)


class LinesField(forms.CharField):
    """Lines of text as a tuple of strings."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "spellcheck": "false"}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        return tuple(line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip())


class DomainsField(LinesField):
    """Domains that lines or commas separate."""

    def to_python(self, value: Any) -> Any:
        return super().to_python((value or "").replace(",", "\n"))


class JsonField(forms.CharField):
    """JSON as a value of the type `kind`; the script shows the rows named by `data-builder` instead of the text."""

    def __init__(self, *, kind: Any, builder: str, **options: Any) -> None:
        attributes = {"rows": 6, "spellcheck": "false", "data-builder": builder, "class": "json"}
        super().__init__(widget=forms.Textarea(attrs=attributes), strip=True, **options)
        self.kind = kind

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return msgspec.json.decode(text, type=self.kind)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValidationError("This cannot be read as a condition: %(why)s", params={"why": str(error)}) from error


def condition_field(label: str, help_text: str, *, required: bool = True) -> JsonField:
    return JsonField(kind=Condition, builder="condition", label=label, help_text=help_text, required=required)


def parts_field(label: str, help_text: str) -> JsonField:
    return JsonField(kind=tuple[NamedGroup, ...], builder="parts", label=label, help_text=help_text)
