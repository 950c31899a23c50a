"""Requests into rows: by the form in which the last one came, else by the form that its body shows."""

from collections.abc import Collection, Sequence

import msgspec
from msgspec import Raw

from pierhead.compile.domain.artifact import ArtifactSpec
from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.forms import (
    FAILURES,
    ColumnsForm,
    Decoded,
    Envelope,
    Form,
    RecordsForm,
    SplitForm,
    TensorForm,
    is_plain_name,
    takes_records,
)
from pierhead.compile.runtime.judging import Judge
from pierhead.worker.scoring import Answer

_JSON_TYPES = {
    "": True,
    "application/json": True,
    "application/json; charset=utf-8": True,
    "application/json;charset=utf-8": True,
    "application/json; charset=UTF-8": True,
    "application/json;charset=UTF-8": True,
}

# Callers that send their columns in ever new orders, or among ever new ones, must not fill the memory.
_MOST_FORMS = 64
_MOST_EXTRAS = 200
_LONGEST_EXTRAS = 16 * 1024
_LONGEST_REMEMBERED = 256 * 1024

_ENVELOPE = msgspec.json.Decoder(Envelope)
_SPLIT = msgspec.json.Decoder(dict[str, Raw])
_NAMES = msgspec.json.Decoder(list[str])
_RECORDS = msgspec.json.Decoder(list[dict[str, Raw]])


class Decoder:
    """Decodes the requests of one version."""

    def __init__(self, spec: ArtifactSpec) -> None:
        self._columns = spec.columns
        self._names = frozenset(column.name for column in spec.columns)
        self._is_tensor = spec.is_tensor
        self._takes_records = not spec.is_tensor and takes_records(spec.columns)
        self._judge = Judge(spec)
        self._forms: dict[tuple[str, object], Form] = {}
        self._last: Form = TensorForm("inputs", spec.columns) if spec.is_tensor else self._usual_split()

    def decode(self, content_type: str, body: bytes) -> Decoded | Answer | Declined:
        """Rows; or a refusal where MLflow refuses for sure; or Declined where only the original knows."""
        if content_type not in _JSON_TYPES:
            return Declined(f"content type {content_type[:60]!r}")
        decoded = self._last.decode(body)
        if decoded is not None:
            return decoded
        form = self._form_of(body)
        decoded = None if form is None or form is self._last else form.decode(body)
        if form is None or decoded is None:
            return self._judge.judge(body)
        self._last = form
        return decoded

    def _usual_split(self) -> Form:
        width = len(self._columns)
        names = Raw(msgspec.json.encode([column.name for column in self._columns]))
        is_named = all(column.name is not None for column in self._columns)
        return SplitForm(self._columns, names if is_named else None, tuple(range(width)), width)

    def _form_of(self, body: bytes) -> Form | None:
        try:
            found = _ENVELOPE.decode(body).format
            if found is None:
                return None
            key, content = found
            if key == "dataframe_split":
                return self._split_form(content)
            if key == "dataframe_records":
                return self._records_form(content)
            return self._other_form(key, content)
        except FAILURES:
            return None

    def _split_form(self, content: Raw) -> Form | None:
        if self._is_tensor:
            return None
        names = _SPLIT.decode(content).get("columns")
        if names is None:
            return self._unnamed_split_form()
        known = self._forms.get(("dataframe_split", bytes(names)))
        if known is not None:
            return known
        places = _places(_NAMES.decode(names))
        if places is None or any(column.name not in places for column in self._columns):
            return None
        if not self._are_bearable([name for name in places if name is not None]):
            return None
        order = tuple(places[column.name] for column in self._columns)
        own = bytes(names)
        # Not `names` itself, which keeps the whole body in memory.
        form = SplitForm(self._columns, Raw(own), order, len(places))
        return form if len(own) > _LONGEST_REMEMBERED else self._remembered("dataframe_split", own, form)

    def _unnamed_split_form(self) -> Form | None:
        if any(column.name is not None for column in self._columns):
            return None
        width = len(self._columns)
        known = self._forms.get(("dataframe_split", None))
        return known or self._remembered(
            "dataframe_split", None, SplitForm(self._columns, None, tuple(range(width)), width)
        )

    def _records_form(self, content: Raw) -> Form | None:
        if not self._takes_records:
            return None
        names = {name for record in _RECORDS.decode(content) for name in record}
        extras = frozenset(names - {column.name for column in self._columns if column.name is not None})
        if not self._are_bearable(extras) or not all(map(is_plain_name, extras)):
            return None
        known = self._forms.get(("dataframe_records", extras))
        return known or self._remembered(
            "dataframe_records", extras, RecordsForm("dataframe_records", self._columns, sorted(extras))
        )

    def _other_form(self, key: str, content: Raw) -> Form | None:
        is_object = memoryview(content)[0] == ord("{")
        known = self._forms.get((key, is_object))
        if known is not None:
            return known
        if self._is_tensor:
            return None if is_object else self._remembered(key, is_object, TensorForm(key, self._columns))
        if not self._takes_records or (is_object and key != "inputs"):
            return None
        if is_object:
            return self._remembered(key, is_object, ColumnsForm(self._columns))
        # Of single values in records of `inputs`, MLflow makes columns that are too wide for these types.
        if key == "inputs" and any(column.kind in ("float", "integer") for column in self._columns):
            return None
        return self._remembered(key, is_object, RecordsForm(key, self._columns))

    def _are_bearable(self, names: Collection[str]) -> bool:
        """Whether a form may be made for columns of these names: not too many but the model's own."""
        extras = [name for name in names if name not in self._names]
        return len(extras) <= _MOST_EXTRAS and sum(map(len, extras)) <= _LONGEST_EXTRAS

    def _remembered(self, key: str, detail: object, form: Form) -> Form:
        if len(self._forms) >= _MOST_FORMS:
            del self._forms[next(iter(self._forms))]
        self._forms[key, detail] = form
        return form


def _places(names: Sequence[str]) -> dict[str | None, int] | None:
    """Where each column stands; None if a name occurs twice."""
    places: dict[str | None, int] = {name: at for at, name in enumerate(names)}
    return places if len(places) == len(names) else None
