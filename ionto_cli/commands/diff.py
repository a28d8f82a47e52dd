"""`ionto diff`: is the new protocol the same treatment, and does it ever admit more than the old one?"""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.exits import Exit
from ionto_cli.loading import choose_one, compile_all
from ionto_cli.sealed import open_plan
from ionto_cli.terminal import complain, paint, say
from ionto_ir.canonical import Json
from ionto_ir.plan import Plan
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.comparison import Comparison, compare

COLOURS = {
    Change.LOOSER: "red",
    Change.UNDECIDED: "yellow",
    Change.OTHER: "yellow",
    Change.STRICTER: "green",
    Change.SAME: "bold",
}

GRAVEST_FIRST = tuple(reversed(Change))


def run(arguments: argparse.Namespace) -> Exit:
    """Load both, compare, say what differs; exits with 1 when the new one admits more anywhere."""
    old = _plan(arguments, arguments.old, None)
    if isinstance(old, Exit):
        return old
    new = _plan(arguments, arguments.new, old.device.name)
    if isinstance(new, Exit):
        return new
    found = compare(old, new)
    if arguments.json:
        from ionto_cli.terminal import write_json

        write_json(_data(found))
    else:
        _tell(found, everything=arguments.all)
    return Exit(found.exit_code)


def _plan(arguments: argparse.Namespace, name: str, likely: str | None) -> Plan | Exit:
    """The plan in a sealed file, as it is in use, or the one that a protocol file leads to.

    A protocol that names no device is taken for the `likely` one, if it fits.
    """
    if name.endswith(".json"):
        sealed = open_plan(Path(name), Path(arguments.trust) if arguments.trust else None)
        return complain(*sealed) if isinstance(sealed, tuple) else sealed.plan
    wanted = argparse.Namespace(file=name, device=arguments.device, protocol=arguments.protocol)
    if arguments.device is None and likely is not None:
        compilation, _ = compile_all(name, wanted)
        devices = [item.plan.device.name for item in compilation.plans if not item.device_named]
        wanted.device = likely if likely in devices else None
    chosen = choose_one(wanted)
    return chosen if isinstance(chosen, Exit) else chosen.protocol.plan


def _tell(found: Comparison, *, everything: bool) -> None:
    for word, plan in (("old", found.old), ("new", found.new)):
        say(f"{word}: {plan.name} {plan.version} on {plan.device.name}")
    if found.identical:
        say(paint("identical: no machine can tell the two apart", "green"))
        return
    shown = [item for item in found.aspects if everything or item.change is not Change.SAME]
    shown.sort(key=lambda item: GRAVEST_FIRST.index(item.change))
    width = max((len(item.subject) for item in shown), default=0)
    for item in shown:
        _tell_aspect(item, width)
    same = sum(item.change is Change.SAME for item in found.aspects)
    if same and not everything:
        say(f"the same in {same} further respects (`--all` shows them)")
    say(paint(_conclusion(found), COLOURS[found.change]))


def _tell_aspect(item: Aspect, width: int) -> None:
    word = paint(f"{item.change.value:<15}", COLOURS[item.change])
    say(f"  {word} {item.subject:<{width}}  {item.old} -> {item.new}")
    if item.reason is not None:
        say(f"      {item.reason}")
    if item.witness is not None:
        values = ", ".join(f"{name} = {value}" for name, value in item.witness.told)
        say(f"      with {values or 'the usual values'}")
        say(f"      old: {item.witness.old}")
        say(f"      new: {item.witness.new}")


def _conclusion(found: Comparison) -> str:
    count = sum(item.change is found.change for item in found.aspects)
    respects = "1 respect" if count == 1 else f"{count} respects"
    match found.change:
        case Change.LOOSER:
            return f"the new plan is more permissive in {respects}"
        case Change.UNDECIDED:
            return f"whether the new plan admits more is undecided in {respects}"
        case Change.SAME:
            return "the same in every respect that was compared"
        case _:
            return "the new plan never admits more than the old one"


def _data(found: Comparison) -> dict[str, Json]:
    return {
        "schema": "ionto.diff/1",
        "old": _named(found.old),
        "new": _named(found.new),
        "identical": found.identical,
        "change": found.change.value,
        "exit_code": found.exit_code,
        "aspects": [_aspect_data(item) for item in found.aspects],
    }


def _named(plan: Plan) -> dict[str, Json]:
    return {"name": plan.name, "version": plan.version, "device": plan.device.name}


def _aspect_data(item: Aspect) -> dict[str, Json]:
    shown: Json = None
    if item.witness is not None:
        shown = {"values": dict(item.witness.told), "old": item.witness.old, "new": item.witness.new}
    return {
        "subject": item.subject,
        "change": item.change.value,
        "old": item.old,
        "new": item.new,
        "reason": item.reason,
        "witness": shown,
    }
