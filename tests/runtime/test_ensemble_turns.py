"""Channels that take turns at the bedside: no part begins before every output was seen off."""

from __future__ import annotations

from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.dataclass import replace
from ionto_ir.events import Confirm, Pause, Resume, Stop
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan
from ionto_ir.state import Mode
from ionto_runtime.ensemble import MET
from ionto_runtime.journal_reader import Reading
from ionto_runtime.planned import planned_together
from ionto_runtime.replay_channels import Replayed, rebound_parts, replay_parts
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.supervision import ENERGISED, STANDING_MS_MAX
from ionto_runtime.view_together import facts_together, view_of_all
from tests.golden.everything import side_by_side
from tests.runtime.ensembles import MA, VALUES, Bed
from tests.treatments import limit
from tests.turns import in_parts

PLAN = in_parts(
    replace(side_by_side(), limits=(limit(LimitKind.CURRENT, 1_200_000, "mA"), *side_by_side().limits[:3])),
    (0, 1),
)


def bound_in_turns(plan: Plan = PLAN) -> BoundTogether:
    """1 mA in one channel, then in the other; the person may have 1.2 mA."""
    bound = bind_together(plan, VALUES, rehearsing=True)
    assert isinstance(bound, BoundTogether), bound
    return bound


def bed() -> Bed:
    """Two channels in turns, begun."""
    return Bed(bound_in_turns())


def until_the_first_stands(made: Bed) -> Bed:
    """To the last ticks of the first part: the first channel is at zero, and not yet seen off."""
    for _ in range(2_000):
        made.pass_ticks(1)
        if made.ensemble.states[0].machine.nominal_pc and made.modes[0] is Mode.READY:
            return made
    raise AssertionError("the first part does not end")


def test_one_after_the_other_never_both_and_both_are_given_what_was_set() -> None:
    made, met = bed(), 0
    for _ in range(3_000):
        if made.ensemble.closed:
            break
        made.pass_ticks(1)
        readings = [output.measure() for output in made.device.outputs]
        met += all(item is not None and item.output_on for item in readings)
    assert made.ensemble.completed and met == 0
    assert all(session.nominal_pc > 0 for session in made.ensemble.sessions)
    assert made.ensemble.peak_na == MA


def test_no_person_begins_the_next_part() -> None:
    made = bed().pass_ticks(30)
    assert made.ensemble.prompt is None, "nobody is asked"
    made.ensemble.hear(Confirm())
    made.pass_ticks(5)
    assert made.modes == [Mode.ON, Mode.READY]
    assert made.ensemble.sessions[1].state.place.step == 0


def test_a_pause_in_the_first_part_keeps_the_second_waiting_and_both_are_finished() -> None:
    made = bed().pass_ticks(30)
    made.ensemble.feed(Pause())
    made.pass_ticks(300)
    assert made.modes[0] is Mode.PAUSED and made.modes[1] is Mode.READY
    made.ensemble.feed(Resume())
    assert made.to_the_end().ensemble.completed


def test_a_stop_while_one_waits_ends_both() -> None:
    made = bed().pass_ticks(30)
    made.ensemble.feed(Stop())
    made.to_the_end()
    assert not made.ensemble.completed and made.ensemble.sessions[1].nominal_pc == 0


def test_an_output_that_does_not_go_off_begins_nothing_and_ends_all() -> None:
    made = bed().pass_ticks(30)
    made.device.outputs[0].faults.add(Fault.STUCK_OUTPUT)
    made.to_the_end()
    assert not made.ensemble.completed
    assert made.ensemble.sessions[1].nominal_pc == 0 and made.device.outputs[1].received.total_pc == 0


def test_a_wait_for_an_output_that_is_never_seen_off_ends() -> None:
    made = until_the_first_stands(bed())
    session = made.ensemble.sessions[0]
    for _ in range(STANDING_MS_MAX // 100 + 2):
        machine = session.state.machine._replace(exposure_na=1)  # as if no tick had been acknowledged
        session.state = session.state._replace(machine=machine)
        made.ensemble._take_turns(100)
    assert "F57" in {alarm.code for alarm in made.ensemble.alarms}
    made.to_the_end()
    assert not made.ensemble.completed and made.ensemble.sessions[1].nominal_pc == 0


def test_a_channel_that_flows_out_of_its_turn_opens_every_output() -> None:
    made = bed().pass_ticks(30)
    made.ensemble.sessions[1].feed(Confirm(), "by mistake")
    made.pass_ticks(5)
    assert "F70" in {alarm.code for alarm in made.ensemble.alarms}
    assert not any(state.mode in ENERGISED for state in made.ensemble.states)


def replayed(reading: Reading) -> Replayed:
    """The journal through all machines, and in step."""
    parts = rebound_parts(PLAN, reading)
    assert not isinstance(parts, str), parts
    return replay_parts(parts, reading)


def test_the_journal_replays_and_a_turn_that_was_taken_too_early_is_told() -> None:
    reading = bed().to_the_end().reading
    assert replayed(reading).agrees
    turns = [item for item in reading.records if item.payload.get("cause") == MET]
    assert [item.payload["channel"] for item in turns] == [0, 1]
    before = [item for item in reading.records if item.sequence < turns[0].sequence]
    late = [item for item in before if item.payload.get("channel") == 0][-20:]
    early = [item for item in before if item not in late]
    forged = replace(reading, records=(*early, turns[1], *late))
    found = replayed(forged)
    assert all(report.agrees for _, report in found.parts)
    assert found.out_of_step is not None and found.out_of_step.machine == "not all channels are at zero"


def test_a_console_is_told_who_works_and_who_waits_and_how_long_it_takes() -> None:
    made = bed()
    planned = planned_together(made.bound)
    told = {"patient": None, "operator": None, "device": "bench", "simulated": True, "speed": 1}
    facts = facts_together(made.bound, planned, ["a", "b"], **told)  # type: ignore[arg-type]
    made.pass_ticks(30)
    view = view_of_all(made.ensemble, facts)
    assert [item.word for item in view.channels][1] == "WAITS" and view.step.endswith("left")
    assert facts.planned_ms > max(item.duration_ms for item in planned.alone)
    made.to_the_end()
    assert view_of_all(made.ensemble, facts).remaining_ms <= 1_000
