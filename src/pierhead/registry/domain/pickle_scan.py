"""What a pickle would call when it is loaded, found out without loading it.

A pickle is a program for a small stack machine. This one runs it with placeholders: it follows texts, tuples and the
memo exactly, as names can be put together from those, and forgets everything else. Nothing is imported and nothing
called.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pierhead.registry.domain.pickle_arrays import ARRAY_WRAPPER, array_bytes
from pierhead.registry.domain.pickle_dangers import is_dangerous, is_unusual_import

_LONGEST_TEXT = 4096
"""Bytes; no name is longer."""
_LONGEST_TUPLE = 64


class Stream(Protocol):
    """Bytes that are read once, from beginning to end."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end."""

    def readline(self, limit: int) -> bytes: ...

    def skip(self, size: int) -> int:
        """Pass over so many bytes; how many there were."""


class NoPickle(ValueError):
    """The bytes are no pickle, or end in the middle of one."""


@dataclass(slots=True)
class Found:
    """What pickles would do: `pickles` counts those that were complete, `dangers` are sentences."""

    pickles: int = 0
    dangers: set[str] = field(default_factory=set)

    def add(self, danger: str) -> None:
        self.dangers.add(danger)


@dataclass(frozen=True, slots=True)
class _Global:
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class _Result:
    """What a call gives. `arguments` are kept for what describes arrays."""

    of: _Global | None
    arguments: Any


class _Object:
    """An instance, whose state may describe an array."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind


_MARK = object()
_UNKNOWN = object()


def scan_pickles(stream: Stream, found: Found) -> None:
    """Scan pickles that lie one behind the other until the bytes end. Raises NoPickle if something else follows."""
    while first := stream.read(1):
        _Machine(stream, found).run(first)
        found.pickles += 1


class _Machine:
    def __init__(self, stream: Stream, found: Found) -> None:
        self._stream = stream
        self._found = found
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, first: bytes) -> None:
        code = first
        while code != b".":
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise NoPickle(f"{code!r} is no operation of a pickle")
            raw = self._argument(opcode)
            step = _STEPS.get(opcode.name)
            if step is None:
                self._generic(opcode)
            else:
                step(self, raw)
            code = self._stream.read(1)
            if not code:
                raise NoPickle("it ends in the middle")

    # What an operation is followed by.

    def _argument(self, opcode: pickletools.OpcodeInfo) -> bytes:
        """The raw argument; only its beginning if it is long."""
        if opcode.arg is None:
            return b""
        size = opcode.arg.n
        if size == pickletools.UP_TO_NEWLINE:
            lines = 2 if opcode.name in ("GLOBAL", "INST") else 1
            return b"\n".join(self._line() for _ in range(lines))
        if size >= 0:
            return self._exactly(size)
        width = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT8U: 8}.get(size, 4)
        length = int.from_bytes(self._exactly(width), "little", signed=size == pickletools.TAKEN_FROM_ARGUMENT4)
        if length < 0:
            raise NoPickle("a length is negative")
        start = self._exactly(min(length, _LONGEST_TEXT))
        if self._stream.skip(length - len(start)) != length - len(start):
            raise NoPickle("it ends in the middle")
        return start if length <= _LONGEST_TEXT else b""

    def _exactly(self, size: int) -> bytes:
        raw = self._stream.read(size)
        if len(raw) != size:
            raise NoPickle("it ends in the middle")
        return raw

    def _line(self) -> bytes:
        line = self._stream.readline(_LONGEST_TEXT)
        kept = line[:-1]
        while not line.endswith(b"\n"):
            line = self._stream.readline(_LONGEST_TEXT)
            if not line:
                raise NoPickle("it ends in the middle")
            kept = b""
        return kept

    # The stack. Where a broken pickle takes more than there is, it gets something unknown.

    def _pop(self) -> Any:
        return self._stack.pop() if self._stack else _UNKNOWN

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self._stack and (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def _generic(self, opcode: pickletools.OpcodeInfo) -> None:
        before = opcode.stack_before
        if pickletools.markobject in before:
            self._pop_to_mark()
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            self._pop()
        self._stack.extend(_UNKNOWN for _ in opcode.stack_after)

    # What matters.

    def text(self, raw: bytes) -> None:
        self.push(raw.decode("utf-8", "replace") if raw else "")

    def quoted(self, raw: bytes) -> None:
        self.push(raw.strip()[1:-1].decode("unicode_escape", "replace"))

    def escaped(self, raw: bytes) -> None:
        self.push(raw.decode("raw_unicode_escape", "replace"))

    def number(self, raw: bytes) -> None:
        self.push(int.from_bytes(raw, "little", signed=len(raw) > 2))

    def mark(self, _raw: bytes) -> None:
        self.push(_MARK)

    def pop(self, _raw: bytes) -> None:
        self._pop()

    def duplicate(self, _raw: bytes) -> None:
        self.push(self._stack[-1] if self._stack else _UNKNOWN)

    def build_tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)][::-1]
        self.push(tuple(items))

    def tuple_to_mark(self, _raw: bytes) -> None:
        items = self._pop_to_mark()
        self.push(tuple(items) if len(items) <= _LONGEST_TUPLE else _UNKNOWN)

    def empty_dict(self, _raw: bytes) -> None:
        self.push({})

    def set_items(self, _raw: bytes) -> None:
        items = self._pop_to_mark()
        target = self._stack[-1] if self._stack else None
        if isinstance(target, dict) and len(items) <= _LONGEST_TUPLE:
            pairs = zip(items[::2], items[1::2], strict=False)
            target.update((key, value) for key, value in pairs if isinstance(key, str))

    def set_item(self, _raw: bytes) -> None:
        value, key = self._pop(), self._pop()
        target = self._stack[-1] if self._stack else None
        if isinstance(target, dict) and isinstance(key, str) and len(target) < _LONGEST_TUPLE:
            target[key] = value

    def memoize(self, _raw: bytes) -> None:
        self._memo[len(self._memo)] = self._stack[-1] if self._stack else _UNKNOWN

    def put(self, raw: bytes) -> None:
        self._memo[_index(raw)] = self._stack[-1] if self._stack else _UNKNOWN

    def get(self, raw: bytes) -> None:
        self.push(self._memo.get(_index(raw), _UNKNOWN))

    def put_text(self, raw: bytes) -> None:
        self.put(_decimal(raw))

    def get_text(self, raw: bytes) -> None:
        self.get(_decimal(raw))

    def import_name(self, raw: bytes) -> None:
        module, _, name = raw.decode("utf-8", "replace").partition("\n")
        self.push(self._named(module, name))

    def import_from_stack(self, _raw: bytes) -> None:
        name, module = self._pop(), self._pop()
        if isinstance(module, str) and isinstance(name, str):
            self.push(self._named(module, name))
            return
        self._found.add("imports a name that it computes while it is loaded")
        self.push(_UNKNOWN)

    def _named(self, module: str, name: str) -> _Global:
        if is_dangerous(module, name):
            self._found.add(f"imports {module}.{name}")
        return _Global(module, name)

    def import_by_code(self, _raw: bytes) -> None:
        self._found.add("imports a name by a code that only the loading process knows")
        self.push(_UNKNOWN)

    def instance(self, raw: bytes) -> None:
        self._pop_to_mark()
        self.import_name(raw)
        self.push(_Object(self._pop()))

    def call(self, _raw: bytes) -> None:
        arguments, function = self._pop(), self._pop()
        self.push(self._called(function, arguments))

    def call_to_mark(self, _raw: bytes) -> None:
        items = self._pop_to_mark()
        self.push(self._called(items[0], tuple(items[1:])) if items else _UNKNOWN)

    def new_object(self, _raw: bytes) -> None:
        self._pop()
        self.push(_Object(self._pop()))

    def new_object_with_names(self, _raw: bytes) -> None:
        self._pop()
        self.new_object(b"")

    def _called(self, function: Any, arguments: Any) -> _Result:
        if isinstance(function, _Global):
            self._check_import(function, arguments)
            return _Result(function, arguments)
        if isinstance(function, _Result) and (function.of is None or function.of.name not in _CLASS_MAKERS):
            self._found.add(f"calls what {function.of or 'another call'} gave it while it is loaded")
        return _Result(None, None)

    def _check_import(self, function: _Global, arguments: Any) -> None:
        if not (function.module.startswith("cloudpickle") and function.name == "subimport"):
            return
        module = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if not isinstance(module, str) or is_unusual_import(module):
            self._found.add(f"brings a function along that uses module {module if isinstance(module, str) else '?'}")

    def build(self, _raw: bytes) -> None:
        state = self._pop()
        target = self._stack[-1] if self._stack else None
        if isinstance(target, _Object) and isinstance(target.kind, _Global) and str(target.kind) in ARRAY_WRAPPER:
            self._skip_array(state)

    def _skip_array(self, state: Any) -> None:
        """joblib puts the bytes of an array behind the operation that describes it."""
        size = array_bytes(state, self._stream.read)
        if size is None:
            # The elements are objects: they follow as a pickle of their own.
            _Machine(self._stream, self._found).run(self._exactly(1))
        elif self._stream.skip(size) != size:
            raise NoPickle("it ends in the middle of an array")


_CLASS_MAKERS = frozenset(
    {"_make_skeleton_class", "_make_skeleton_enum", "_lookup_class_or_track", "_builtin_type", "type", "new_class"}
)
"""What gives a class, by which instances are made; to call a function that was given is another thing."""


def _index(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _decimal(raw: bytes) -> bytes:
    try:
        return int(raw).to_bytes(8, "little")
    except (ValueError, OverflowError):
        raise NoPickle("an index of the memo is no number") from None


def _tuple_of(count: int) -> Callable[[_Machine, bytes], None]:
    return lambda machine, _raw: machine.build_tuple(count)


def _constant(value: Any) -> Callable[[_Machine, bytes], None]:
    return lambda machine, _raw: machine.push(value)


_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_STEPS: dict[str, Callable[[_Machine, bytes], None]] = {
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING"), _Machine.text),
    "STRING": _Machine.quoted,
    "UNICODE": _Machine.escaped,
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "LONG4"), _Machine.number),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "NONE": _constant(None),
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "DUP": _Machine.duplicate,
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": _Machine.tuple_to_mark,
    "EMPTY_DICT": _Machine.empty_dict,
    "SETITEMS": _Machine.set_items,
    "SETITEM": _Machine.set_item,
    "MEMOIZE": _Machine.memoize,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.get),
    "PUT": _Machine.put_text,
    "GET": _Machine.get_text,
    "GLOBAL": _Machine.import_name,
    "STACK_GLOBAL": _Machine.import_from_stack,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _Machine.import_by_code),
    "INST": _Machine.instance,
    "REDUCE": _Machine.call,
    "OBJ": _Machine.call_to_mark,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": _Machine.new_object_with_names,
    "BUILD": _Machine.build,
}
