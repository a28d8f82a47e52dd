"""The bench of the runtime (`make bench`, second part): a line, a loop, virtual time, a population.

What a serial line and a timer cost on this machine is measured by a bare loop of pyserial with nothing
around it, on the same simulated device, in turns with ours: the ratio travels, the milliseconds do not. Both
run with the precedence that the system grants. Lateness is how long after its deadline a sleep is over. What
is computed is counted in seconds of a processor, which other programs on the machine cannot take away.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import serial

from ionto_cli.population import Course, population
from ionto_cli.population_run import course_of
from ionto_dsl.driver import compile_text
from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import obliging
from ionto_ir.dry_run import run as dry_run
from ionto_ir.events import Confirm as Confirmed
from ionto_ir.events import Event, PromptKind
from ionto_ir.features import features_of
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Record, Step
from ionto_runtime.clock import RealClock
from ionto_runtime.drivers.serial_port import SerialPort, open_port
from ionto_runtime.drivers.transport import LineSettings
from ionto_runtime.history import first_session
from ionto_runtime.journal import Durability, JournalWriter, create_journal
from ionto_runtime.link.frames import DELIMITER, Frame, encode
from ionto_runtime.link.messages import Query
from ionto_runtime.link.schema import NO_PAGE
from ionto_runtime.loop import run_session
from ionto_runtime.safety.process import take_precedence, tame_collector
from ionto_runtime.session import Session
from ionto_runtime.stimulator import Measurement
from ionto_runtime.view import View
from tests.bench.protocols import twenty_minutes
from tests.conformance.processes import DeviceProcess
from tests.conformance.sessions import prepared
from tests.runtime.bedside import Bedside, facts_for, header_of
from tests.runtime.sealed_plans import MA, heel_plan
from tests.runtime.test_on_a_line import on_the_reference_device

BAUD = 115_200
TICK_MS = 100
ROUND_S = 6
ROUNDS_MIN = 5
PEOPLE = 4_000
TICKS_A_SECOND = 1_000
PEOPLE_A_SECOND = 500
"""Aims, a second of a processor: a session of twenty minutes in twelve, ten thousand people in twenty."""

RATIO_MAX = 2.0
"""An exchange, checked and judged, costs at most twice the bare one."""


@dataclass
class Loop:
    """What one loop has seen, ms: how long answers took, how late its sleeps were over."""

    trips: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


def bare(link: Path, seconds: float, found: Loop) -> None:
    """A question, an answer, a sleep: nothing is looked at."""
    numbers = count(1)
    with serial.Serial(str(link), BAUD, timeout=0.5, exclusive=True) as port:
        deadline, ends = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < ends:
            wire = encode(Frame(0, next(numbers) & 0xFFFF, 0, Query(NO_PAGE)))
            began = time.monotonic()
            port.write(wire)
            port.read_until(DELIMITER, 256)
            assert port.read_until(DELIMITER, 256), "the device answers everybody"
            found.trips.append((time.monotonic() - began) * 1000)
            deadline += TICK_MS / 1000
            time.sleep(max(0.0, deadline - time.monotonic()))
            found.late.append((time.monotonic() - deadline) * 1000)


class TimedClock(RealClock):
    """The machine's clock, which keeps how late each sleep was over."""

    def __init__(self, found: Loop) -> None:
        super().__init__()
        self._found = found

    def sleep_until(self, at_ms: int) -> None:
        super().sleep_until(at_ms)
        self._found.late.append((self.now_ns() - at_ms * 1_000_000) / 1_000_000)


class Obliging:
    """A console that confirms what is asked."""

    def poll(self, view: View) -> tuple[Event, ...]:
        prompt = view.prompt
        return (Confirmed(),) if prompt is not None and prompt.kind is PromptKind.CONFIRM else ()

    def show(self, view: View) -> None:
        """Nobody looks."""


def short(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps without what is entered at the end."""
    kept = [step for step in steps if not isinstance(step, Record)]
    return (*(replace(step, next=at + 1) for at, step in enumerate(kept[:-1])), kept[-1])  # type: ignore[call-arg]


def ours(link: Path, folder: Path, seconds: float, found: Loop) -> None:
    """A whole session: the driver, the watches, the machine, a journal on the disk."""
    plan = on_the_reference_device(heel_plan(hold_ms=round(seconds * 1000), ramp_ms=1_000))
    plan = replace(plan, steps=short(plan.steps), variables=plan.variables[:3])
    plan = replace(plan, requires=features_of(plan))
    bound = bind(plan, {"current": MA, "pacemaker": False, "sore": False}, (), first_session(0))
    assert isinstance(bound, BoundPlan), bound
    clock = TimedClock(found)
    line = open_port(str(link), LineSettings(BAUD))
    assert isinstance(line, SerialPort), line
    driver = prepared(line, RealClock())
    reading = driver.measure

    def measure() -> Measurement | None:
        began = time.monotonic()
        said = reading()
        found.trips.append((time.monotonic() - began) * 1000)
        return said

    driver.measure = measure  # type: ignore[method-assign]
    journal = create_journal(
        folder / f"{time.monotonic_ns()}.journal", header_of(bound), clock, Durability.SYNCED
    )
    assert isinstance(journal, JournalWriter)
    session = Session(bound, driver, journal, driver=driver)
    assert session.arm() is None
    run_session(session, Obliging(), facts_for(bound), clock, lambda _: None, real_time=True)
    driver.close()


def used() -> float:
    """Seconds of a processor that this program and those it started and saw end have used."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def virtual(bound: BoundPlan) -> tuple[int, float]:
    """Ticks of a whole simulated session (machine, watches, skin, stimulator, journal), and its seconds."""
    began = used()
    bedside = Bedside(bound).begin().until_closed()
    assert bedside.session.completed, bedside.codes()
    return bedside.ticks, used() - began


def course() -> tuple[Course, BoundPlan]:
    """The session of twenty minutes that the bench measures elsewhere too."""
    plan = compile_text(twenty_minutes()).plans[0].plan
    bound = bind(plan, ordinary_values(plan, {}))
    assert isinstance(bound, BoundPlan), bound
    found = course_of(bound, dry_run(bound, obliging({})).trace)
    assert isinstance(found, Course), found
    return found, bound


def shares(values: list[float]) -> str:
    """Half, 99 %, and all are within."""
    ordered = sorted(values)
    middle, late = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"{middle:8.2f} {late:8.2f} {ordered[-1]:8.2f}"


def main() -> int:
    """Measure and print. The exit code is 0 whatever was reached: a busy machine is no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.running", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS_MIN, help="turns of the two loops")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many simulated people")
    given = parser.parse_args()
    treated, bound = course()
    seconds = []
    for _ in range(3):
        began = used()
        population(treated, 1, given.people)
        seconds.append(used() - began)
    ticks, spent = virtual(bound)
    people, rate = given.people / statistics.median(seconds), ticks / spent
    print("a second of one processor:")
    print(f"  {people:8,.0f} simulated patients  {aim(people >= PEOPLE_A_SECOND, PEOPLE_A_SECOND)}")
    print(f"  {rate:8,.0f} ticks of a session    {aim(rate >= TICKS_A_SECOND, TICKS_A_SECOND)}")
    loops = {"bare pyserial": Loop(), "a session": Loop()}
    with tempfile.TemporaryDirectory() as name, DeviceProcess("twin", Path(name) / "line") as device:
        scheduler = take_precedence()
        tame_collector()
        for _ in range(max(ROUNDS_MIN, given.rounds)):
            bare(device.link, ROUND_S, loops["bare pyserial"])
            ours(device.link, Path(name), ROUND_S, loops["a session"])
    print(f"\n{'ms (50 %, 99 %, worst)':24} {'round trip':>26}   {'late':>26}   under {scheduler}")
    for title, found in loops.items():
        print(f"{title:24} {shares(found.trips)}   {shares(found.late)}   {len(found.trips)} exchanges")
    plain, whole = (statistics.median(found.trips) for found in loops.values())
    print(f"ratio of the medians: {whole / plain:.2f}  {aim(whole <= RATIO_MAX * plain, RATIO_MAX)}")
    return 0


def aim(reached: bool, value: float) -> str:
    """The aim, and whether it was reached."""
    return f"(aim {value:g}: {'reached' if reached else 'missed'})"


if __name__ == "__main__":
    sys.exit(main())
