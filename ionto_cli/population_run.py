"""`ionto simulate --population N`: what comes of a protocol in people who differ."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.terminal import complain, say, write_json
from ionto_ir.bind_together import BoundTogether
from ionto_ir.bound import BoundPlan
from ionto_ir.channels import channels_of
from ionto_ir.device import Drug
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dry_run import obliging
from ionto_ir.dry_run import run as dry_run
from ionto_ir.expression import Value
from ionto_ir.plan import Plan
from ionto_ir.together import run_together
from ionto_ir.trace import Trace, area_um2, role_at, stretches
from ionto_runtime.simulation.delivery import delivered_ug, drives

if TYPE_CHECKING:
    from ionto_cli.population import Course

PC_PER_MA_MIN = 60_000_000_000
NA_PER_MA = 1e6


def simulate_population(bound: BoundPlan, records: Mapping[str, Value], arguments: Namespace) -> Exit:
    """The people of a plan with one output."""
    trace = dry_run(bound, obliging(dict(records))).trace
    return _simulated(bound.plan, [("", bound, trace)], (), arguments)


def simulate_population_together(together: BoundTogether, arguments: Namespace) -> Exit:
    """The people of a plan with several channels, which all flow in the same person."""
    plan = together.plan
    traces = run_together(together.channels).traces
    names = [channel.name for channel in plan.channels]
    found = [(index, channels_of(plan, index)) for index in range(len(plan.electrodes))]
    areas = [(area_um2(plan, together.values, index), channels) for index, channels in found]
    shared = tuple((area, channels) for area, channels in areas if area is not None and len(channels) > 1)
    parts = list(zip(names, together.channels, traces, strict=True))
    return _simulated(plan, parts, shared, arguments)


def _simulated(
    plan: Plan,
    parts: Sequence[tuple[str, BoundPlan, Trace]],
    shared: tuple[tuple[int, tuple[int, ...]], ...],
    arguments: Namespace,
) -> Exit:
    """Compute, tell, draw. The course is that of an undisturbed run; who presses stop comes down from it."""
    from ionto_cli.population import (
        POPULATION_MAX,
        NoClusterError,
        Session,
        area_cm2,
        on_cluster,
        population_together,
    )
    from ionto_cli.population_words import Output, Told, data, draw_population, lines

    count = arguments.population
    if not 1 <= count <= POPULATION_MAX:
        text = f"`--population {count}` is not between 1 and {POPULATION_MAX}"
        return complain(error("I0901", text, None))
    courses = []
    for _, bound, trace in parts:
        course = course_of(bound, trace)
        if isinstance(course, Diagnostic):
            return complain(course)
        courses.append(course)
    session = Session(tuple(courses), tuple((area_cm2(area), channels) for area, channels in shared))
    started = time.monotonic()
    try:
        run = None if arguments.cluster is None else on_cluster(arguments.cluster)
        outcomes = population_together(session, arguments.seed, count, run)
    except NoClusterError as problem:
        advice = "leave out `--cluster` to use this machine; the library: `pip install 'ionto[cluster]'`"
        code = "I0955" if "not installed" in str(problem) else "I0956"
        return complain(error(code, f"there is no cluster: {problem}", None, help=advice))
    seconds = time.monotonic() - started
    where = f"{os.cpu_count()} local cores" if arguments.cluster is None else f"cluster {arguments.cluster}"
    outputs = tuple(
        Output(name, course, outcome, tuple(_drugs(bound)))
        for (name, bound, _), course, outcome in zip(parts, courses, outcomes, strict=True)
    )
    told = Told(plan.title, plan.device.name, outputs, arguments.seed, seconds, where)
    if arguments.json:
        write_json(data(told))
    else:
        for line in lines(told):
            say(line)
    if not arguments.plot:
        return Exit.PROVED
    try:
        draw_population(told, arguments.plot)
    except (OSError, ValueError) as problem:
        words = system_words(problem) if isinstance(problem, OSError) else "the name must end in .svg or .png"
        return complain(error("I0904", f"cannot draw `{arguments.plot}`: {words}", None))
    if not arguments.json:
        say(f"drew {arguments.plot}")
    return Exit.PROVED


def course_of(bound: BoundPlan, trace: Trace) -> Course | Diagnostic:
    """What the plan sets, on a grid of the model's steps, or why that cannot be said (I0942)."""
    from ionto_cli.population import STEP_MS, Course, area_cm2

    plan = bound.plan
    areas = [area_um2(plan, bound.values, index) for index in range(len(plan.electrodes))]
    known = tuple(area_cm2(area) for area in areas if area is not None)
    if not known:
        return error("I0942", "no electrode has an area, so no skin can be simulated", None)
    parts = stretches(trace)
    targets = [0.0] * -(-trace.end_ms // STEP_MS)
    for part in parts:
        if part.on:
            for step in range(part.from_ms // STEP_MS, -(-part.to_ms // STEP_MS)):
                inside = min(part.to_ms, (step + 1) * STEP_MS) - max(part.from_ms, step * STEP_MS)
                targets[step] += part.setpoint_na / NA_PER_MA * inside / STEP_MS
    peaks = [part for part in parts if part.magnitude_na]
    share = max((part.mean_na / part.magnitude_na for part in peaks), default=1.0)
    device = plan.device
    return Course(
        step_ms=STEP_MS,
        target_ma=tuple(targets),
        mean_share=share,
        fall_ma_s=plan.stop_slew_na_s / NA_PER_MA,
        areas_cm2=known,
        compliance_v=device.compliance_mv / 1000,
        gain=device.accuracy_ppm / 1e6,
        offset_ma=device.accuracy_offset_na / NA_PER_MA,
    )


def _drugs(bound: BoundPlan) -> list[tuple[Drug, float, float]]:
    """Each drug whose transport number is known, with the ug that a mA.min carries in either polarity."""
    plan = bound.plan
    found: list[tuple[Drug, float, float]] = []
    for index, electrode in enumerate(plan.electrodes):
        for drug in electrode.drugs:
            if drug.ion is None or drug.transport_ppm is None or drug.molar_mass_mg_mol is None:
                continue
            per_ma_min = float(
                delivered_ug(PC_PER_MA_MIN, drug.transport_ppm, drug.molar_mass_mg_mol, drug.ion)
            )
            shares = [per_ma_min * drives(drug.ion, role_at(plan, index, sign)) for sign in (1, -1)]
            found.append((drug, shares[0], shares[1]))
    return found
