"""From a resolved program to plans: typecheck, lint, choose the devices, lower, and look at the result once
more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ionto_dsl import surface
from ionto_dsl.equipment import device_of, drug_of, electrode_of
from ionto_dsl.limits_of import envelope_of
from ionto_dsl.lint import lint_imports, lint_names, lint_protocol
from ionto_dsl.lower import check_structure, lower, misfit
from ionto_dsl.resolve import Module, Program, inherit, kind_word
from ionto_dsl.screenings import screening_of
from ionto_dsl.suggest import nearest
from ionto_dsl.typecheck import Checked, typecheck
from ionto_dsl.wording import listed
from ionto_ir.dataclass import dataclass
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, Label, error, has_errors, in_reading_order
from ionto_ir.plan import Plan, SourceDigest
from ionto_ir.scenario import Scenario
from ionto_ir.source import SourceFile
from ionto_ir.wellformed import check


@dataclass(frozen=True, slots=True)
class CompiledProtocol:
    """A plan with its in-file tests. `device_named` is False when the device was chosen because it fits."""

    name: str
    plan: Plan
    scenarios: tuple[Scenario, ...]
    device_named: bool


@dataclass(frozen=True, slots=True)
class Misfit:
    """A device of the library that does not fit a protocol, and why."""

    protocol: str
    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class Compilation:
    """What came of a file. `plans` is empty when there are errors; `files` are all that were read, for
    messages.

    `protocols` names the protocols of the file; a file without any is checked too. When no device was named
    there is a plan for each fitting device of the library, and `misfits` says why the others were left out:
    this is to be said aloud.
    """

    plans: tuple[CompiledProtocol, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[SourceFile, ...]
    protocols: tuple[str, ...]
    misfits: tuple[Misfit, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing forbids to go on."""
        return not has_errors(self.diagnostics)


@dataclass(frozen=True, slots=True)
class Tooling:
    """What the driver knows: the tool's name and version, the files that were read, and the wishes."""

    tool: str
    files: Sequence[SourceFile]
    device: str | None
    protocol: str | None


Devices = Callable[[], Iterator[tuple[surface.Device, SourceFile]]]


def compile_program(
    program: Program, root: str, found: list[Diagnostic], tooling: Tooling, devices: Devices
) -> Compilation:
    """Check everything in the root file and make its plans."""
    module = program.modules[root]
    protocols = [
        declaration
        for declaration in module.loaded.tree.declarations
        if isinstance(declaration, surface.Protocol)
    ]
    _check_others(program, module, found)
    checked: list[Checked] = []
    for declaration in protocols:
        own: list[Diagnostic] = []
        result = typecheck(program, inherit(program, root, declaration, own), own)
        own += check_structure(result.protocol, result.scope.extents)
        if not has_errors(own):
            own += [*lint_names(result.scope, module.loaded.source.name), *lint_protocol(result.protocol)]
        found += own
        checked.append(result)
    wanted = _wanted(checked, tooling, found)
    plans, misfits, files = _plans(wanted, module, tooling, devices, found)
    if not has_errors(found):
        found += lint_imports(module)
    return Compilation(
        () if has_errors(found) else tuple(plans),
        in_reading_order(found),
        (*tooling.files, *files),
        tuple(declaration.name.text for declaration in protocols),
        tuple(misfits),
    )


def _check_others(program: Program, module: Module, found: list[Diagnostic]) -> None:
    """Type the declarations that are no protocols for their own errors, whether anybody uses them or not."""
    for declaration in module.loaded.tree.declarations:
        match declaration:
            case surface.Envelope():
                envelope_of(declaration, found)
            case surface.Device():
                device_of(declaration, found)
            case surface.Drug():
                drug_of(declaration, found)
            case surface.Electrode():
                electrode_of(declaration, found)
            case surface.Screening():
                screening_of(declaration, module, found)
            case surface.Protocol():
                pass


def _wanted(checked: list[Checked], tooling: Tooling, found: list[Diagnostic]) -> list[Checked]:
    """The protocols that were asked for."""
    if tooling.protocol is None:
        return checked
    names = [result.protocol.name for result in checked]
    if tooling.protocol not in names:
        near = nearest(tooling.protocol, names)
        advice = f"did you mean `{near}`?" if near is not None else None
        if advice is None and names:
            advice = f"it declares {listed(names)}"
        message = f"there is no protocol named `{tooling.protocol}` in this file"
        found.append(error("I0201", message, None, help=advice))
    return [result for result in checked if result.protocol.name == tooling.protocol]


def _plans(
    checked: list[Checked], module: Module, tooling: Tooling, devices: Devices, found: list[Diagnostic]
) -> tuple[list[CompiledProtocol], list[Misfit], list[SourceFile]]:
    plans: list[CompiledProtocol] = []
    misfits: list[Misfit] = []
    files: list[SourceFile] = []
    for result in checked:
        chosen, named = _choose(result, module, tooling, devices, found)
        for device, source in chosen:
            read = [*tooling.files] + ([source] if source is not None and source not in tooling.files else [])
            digests = tuple(SourceDigest(file.name, file.digest()) for file in read)
            if has_errors(found):
                continue
            lowered = lower(result.protocol, device, result.scope.extents, digests, tooling.tool)
            reason = _reason(lowered.diagnostics) if lowered.plan is None else misfit(lowered.plan)
            if not named and reason is not None:
                misfits.append(Misfit(result.protocol.name, device.name, reason))
                continue
            found += lowered.diagnostics
            files += [] if source is None or source in files else [source]
            if lowered.plan is not None:
                found += check(lowered.plan)
                plan = CompiledProtocol(result.protocol.name, lowered.plan, result.protocol.scenarios, named)
                plans.append(plan)
        if (
            not named
            and not has_errors(found)
            and not any(plan.name == result.protocol.name for plan in plans)
        ):
            found.append(_nothing_fits(result, misfits))
    return plans, misfits, files


def _choose(
    result: Checked, module: Module, tooling: Tooling, devices: Devices, found: list[Diagnostic]
) -> tuple[list[tuple[Device, SourceFile | None]], bool]:
    """The devices to lower for, and whether somebody named them."""
    own: list[tuple[Device, SourceFile | None]] = [(device, None) for device in result.protocol.devices]
    if tooling.device is None:
        return (own, True) if own else (list(_library(devices, found)), False)
    if own:
        fitting = [(device, source) for device, source in own if device.name == tooling.device]
        if not fitting:
            names = listed([device.name for device, _ in own])
            message = f"the protocol `{result.protocol.name}` is not for the device `{tooling.device}`"
            advice = f"it names {names}; to use another device, extend it with `device {tooling.device}`"
            found.append(error("I0423", message, result.protocol.span, f"is for {names}", help=advice))
        return fitting, True
    return _named(tooling.device, module, devices, found), True


def _named(
    name: str, module: Module, devices: Devices, found: list[Diagnostic]
) -> list[tuple[Device, SourceFile | None]]:
    """The device of that name in the file, else in the library."""
    symbol = module.names.get(name)
    if symbol is not None and isinstance(symbol.declaration, surface.Device):
        module.used.add(name)
        device = device_of(symbol.declaration, found)
        return [] if device is None else [(device, None)]
    known = []
    for declaration, source in devices():
        if declaration.name.text == name:
            device = device_of(declaration, found)
            return [] if device is None else [(device, source)]
        known.append(declaration.name.text)
    labels: tuple[Label, ...] = ()
    message = f"there is no device named `{name}`"
    if symbol is not None:
        message = f"`{name}` is not a device, it is {kind_word(symbol.declaration)}"
        labels = (Label(symbol.bound_at, "named here"),)
    near = nearest(name, known)
    advice = (
        f"did you mean `{near}`?"
        if near is not None
        else f"the library has {listed(sorted(known))}"
        if known
        else None
    )
    found.append(error("I0201", message, None, labels=labels, help=advice))
    return []


def _library(devices: Devices, found: list[Diagnostic]) -> Iterator[tuple[Device, SourceFile | None]]:
    for declaration, source in devices():
        device = device_of(declaration, found)
        if device is not None:
            yield device, source


def _reason(diagnostics: tuple[Diagnostic, ...]) -> str | None:
    return next((diagnostic.message for diagnostic in diagnostics), None)


def _nothing_fits(result: Checked, misfits: list[Misfit]) -> Diagnostic:
    reasons = tuple(
        f"`{misfit.device}`: {misfit.reason}" for misfit in misfits if misfit.protocol == result.protocol.name
    )
    return error(
        "I0424",
        f"no device of the library fits the protocol `{result.protocol.name}`",
        result.protocol.span,
        "names no device",
        notes=reasons,
        help="name one with `device ...`, or change what does not fit",
    )
