"""Dataclasses that cost nothing at start-up: the standard ones to a type checker, cheaper ones to a run.

The standard library writes the methods of every dataclass as source and compiles them when the module is
imported. With some hundreds of classes that takes several times as long as starting Python, on every
`ionto verify`. Here `__init__` is a copy of one compiled per *shape* (number and kinds of fields), under the
names of the fields, and the other methods are shared. Only what the house uses is here: slots always, frozen
or not, no inheritance. `tests/ir/test_dataclass.py` holds it against the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING as MISSING
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import fields as fields
    from dataclasses import is_dataclass as is_dataclass
    from dataclasses import replace as replace
else:
    from functools import cache
    from operator import attrgetter
    from types import CodeType, FunctionType

    class _Missing:
        def __repr__(self):
            return "MISSING"

    MISSING = _Missing()

    class Field:
        """One field: the same attributes as the standard library's, as far as the house uses them."""

        __slots__ = ("compare", "default", "default_factory", "init", "name", "repr", "type")

        def __init__(self, default, default_factory, init, repr_, compare):
            self.name = self.type = ""
            self.default = default
            self.default_factory = default_factory
            self.init = init
            self.repr = repr_
            self.compare = compare

    def field(*, default=MISSING, default_factory=MISSING, init=True, repr=True, compare=True):  # noqa: A002
        """What is special about a field; as `dataclasses.field`."""
        return Field(default, default_factory, init, repr, compare)

    def fields(made):
        """The fields of a dataclass or of one of its instances; as `dataclasses.fields`."""
        return made.__house_fields__

    def is_dataclass(made):
        """Whether this is a dataclass of the house or an instance of one; as `dataclasses.is_dataclass`."""
        return hasattr(made, "__house_fields__")

    def replace(instance, /, **changes):
        """A copy with some fields changed; as `dataclasses.replace`."""
        kind = type(instance)
        for name in kind.__match_args__:
            if name not in changes:
                changes[name] = getattr(instance, name)
        return kind(**changes)

    def dataclass(*, frozen=False, slots):
        """Make a dataclass; as `dataclasses.dataclass`, with slots."""
        assert slots, "every dataclass of the house has slots"
        return _frozen if frozen else _open

    def _frozen(cls):
        return _made(cls, _FROZEN)

    def _open(cls):
        return _made(cls, _OPEN)

    def _made(cls, shared):
        assert cls.__bases__ == (object,), "dataclasses of the house do not inherit"
        annotations = cls.__annotations__
        space = dict(cls.__dict__)
        own = tuple(
            _field_of(name, type_, space)
            for name, type_ in annotations.items()
            if not type_.startswith("ClassVar")
        )
        taken = tuple(found for found in own if found.init)
        space.pop("__dict__", None)
        space.pop("__weakref__", None)
        for name, method in shared.items():
            space.setdefault(name, method)
        space["__slots__"] = tuple(found.name for found in own)
        space["__match_args__"] = tuple(found.name for found in taken)
        space["__house_fields__"] = own
        space["__dataclass_fields__"] = _STANDARD_FIELDS
        space["__house_values__"] = _values_of([found.name for found in own if found.compare])
        made = type(cls)(cls.__name__, cls.__bases__, space)
        made.__qualname__ = cls.__qualname__
        made.__init__ = _init(made, own, taken)
        return made

    def _field_of(name, type_, space):
        default = space.pop(name, MISSING)
        found = default if isinstance(default, Field) else Field(default, MISSING, True, True, True)
        assert not isinstance(found.default, list | dict | set), f"the default of `{name}` would be shared"
        found.name, found.type = name, type_
        return found

    def _values_of(names):
        match names:
            case []:
                return staticmethod(lambda _: ())
            case [name]:
                getter = attrgetter(name)
                return staticmethod(lambda instance: (getter(instance),))
            case _:
                return staticmethod(attrgetter(*names))

    def _init(made, own, taken):
        """`__init__` for a class: the code of its shape, with the names of its fields for parameters."""
        kinds = "".join(_kind(found) for found in own)
        code = _code(kinds, hasattr(made, "__post_init__"))
        names = ("self", *(found.name for found in taken))
        code = code.replace(co_varnames=(*names, *code.co_varnames[len(names) :]))
        space = {f"s{index}": getattr(made, found.name).__set__ for index, found in enumerate(own)}
        space |= {f"f{index}": found.default_factory for index, found in enumerate(own)}
        space["MISSING"] = MISSING
        defaults = tuple(
            found.default
            for found in taken
            if found.default is not MISSING or found.default_factory is not MISSING
        )
        function = FunctionType(code, space, "__init__", defaults)
        function.__qualname__ = f"{made.__qualname__}.__init__"
        return function

    def _kind(found):
        if found.default_factory is not MISSING:
            return "f"
        if found.init:
            return "p"
        return "n" if found.default is MISSING else "d"

    @cache
    def _code(kinds: str, post: bool) -> CodeType:
        """The code of an `__init__`: `p` plain, `f` with a factory, `n` not a parameter and left unset."""
        assert "d" not in kinds, "a field that is no parameter has no default here"
        taken = [f"a{index}" for index, kind in enumerate(kinds) if kind != "n"]
        lines = [f"def __init__({', '.join(['self', *taken])}):", " pass"]
        for index, kind in enumerate(kinds):
            if kind == "p":
                lines.append(f" s{index}(self, a{index})")
            elif kind == "f":
                lines.append(f" s{index}(self, f{index}() if a{index} is MISSING else a{index})")
        if post:
            lines.append(" self.__post_init__()")
        space = {}
        exec("\n".join(lines), space)
        return space["__init__"].__code__

    class _StandardFields:
        """Serves `fields`, `asdict` and `is_dataclass` of the standard library."""

        def __get__(self, _, owner):
            import dataclasses

            made = {}
            for found in owner.__house_fields__:
                standard = dataclasses.field(init=found.init, repr=found.repr, compare=found.compare)
                if found.default is not MISSING:
                    standard.default = found.default
                if found.default_factory is not MISSING:
                    standard.default_factory = found.default_factory
                standard.name, standard.type = found.name, found.type
                standard._field_type = dataclasses._FIELD
                made[found.name] = standard
            return made

    _STANDARD_FIELDS = _StandardFields()

    def _repr(self):
        shown = (
            f"{found.name}={getattr(self, found.name)!r}" for found in self.__house_fields__ if found.repr
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = self.__house_values__
        return values(self) == values(other)

    def _hash(self):
        return hash(self.__house_values__(self))

    def _refuse_set(self, name, _):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _getstate(self):
        return [getattr(self, found.name) for found in self.__house_fields__]

    def _setstate(self, state):
        for found, value in zip(self.__house_fields__, state, strict=True):
            object.__setattr__(self, found.name, value)

    _OPEN = {
        "__repr__": _repr,
        "__eq__": _eq,
        "__hash__": None,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
    }
    _FROZEN = _OPEN | {"__hash__": _hash, "__setattr__": _refuse_set, "__delattr__": _refuse_delete}
