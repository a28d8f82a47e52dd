"""Which function builds the value of which rule of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ionto_dsl import build_course as course
from ionto_dsl import build_declarations as declarations
from ionto_dsl import build_steps as steps
from ionto_dsl import build_values as values
from ionto_dsl.pieces import Context, Part, Parts, span_of, text

Builder = Callable[[Context, Parts], Any]


def _clause(tag: str, at: int) -> Builder:
    """A clause that carries one value, which is its piece number `at`."""

    def build(context: Context, parts: Parts) -> Part:
        return Part(tag, parts[at], span_of(context, parts))

    return build


def _word(tag: str) -> Builder:
    """A clause that is said or not said."""

    def build(context: Context, parts: Parts) -> Part:
        return Part(tag, True, span_of(context, parts))

    return build


def _last_word(tag: str) -> Builder:
    """A clause whose last word is its value."""

    def build(context: Context, parts: Parts) -> Part:
        return Part(tag, parts[-1].kind, span_of(context, parts))

    return build


def _text_clause(tag: str) -> Builder:
    """A clause that ends in a text."""

    def build(context: Context, parts: Parts) -> Part:
        return Part(tag, text(context, parts[-1]), span_of(context, parts))

    return build


_CLAUSES: dict[str, Builder] = {
    "above": _word("above"),
    "accuracy": _clause("accuracy", 1),
    "apart": _word("apart"),
    "at_most": _word("at_most"),
    "at_pole": _last_word("at_pole"),
    "at_rate": _clause("at_rate", 1),
    "basal": _clause("basal", 1),
    "curve": _last_word("curve"),
    "of_channel": course.of_channel,
    "offset": _clause("offset", 1),
    "clock": _clause("clock", 1),
    "default": _clause("default", 1),
    "duty": _clause("duty", 1),
    "each": _clause("each", -1),
    "finish": _text_clause("finish"),
    "gate_after": course.gate_after,
    "hold_for": _clause("hold_for", 1),
    "hold_total": _clause("hold_total", 2),
    "hold_until": _clause("hold_until", 1),
    "in_any": _clause("in_any", 2),
    "lasting": _clause("lasting", 1),
    "monitor_until": _clause("monitor_until", 1),
    "needs": declarations.needs,
    "nominal": _word("nominal"),
    "over": _clause("over", 1),
    "per_session": _word("per_session"),
    "per_site": _word("per_site"),
    "period": _clause("period", 1),
    "persistence": _clause("persistence", 1),
    "plus": _clause("plus", 3),
    "rounded": _word("rounded"),
    "session_window": _clause("session_window", 1),
    "split": _clause("split", 1),
    "step_size": _clause("step", 1),
    "swapped_when": _clause("swapped_when", 1),
    "below": steps.bound_part,
    "earlier_with": course.earlier_with,
    "first": course.first,
    "swapped": course.swapped,
    "beyond": steps.bound_part,
    "channel": declarations.channel,
    "channel_steps": declarations.channel_steps,
    "code": values.code,
    "despite": values.despite,
    "given": course.given,
    "hazard": values.hazard,
    "limit_subject": declarations.limit_subject,
    "lockout": steps.lockout,
    "place": declarations.place,
    "placement_area": declarations.placement_area,
    "site": declarations.site,
    "source": values.source,
    "steps": steps.steps,
    "then": declarations.then,
    "waiting": steps.waiting,
}

_VALUES: dict[str, Builder] = {
    "binary": values.binary,
    "call": values.call,
    "enumeration": values.enumeration,
    "group": values.group,
    "number": values.number,
    "range": values.range_,
    "reference": values.reference,
    "truth": values.truth,
    "unary": values.unary,
    "yes_no": values.yes_no,
}

_STEPS: dict[str, Builder] = {
    "ask": steps.ask,
    "classify": steps.classify,
    "deliver": steps.deliver,
    "dose_count": steps.dose_count,
    "hold": steps.hold,
    "if_": steps.if_,
    "let": steps.let,
    "move": steps.move,
    "on_demand": steps.on_demand,
    "param": steps.param,
    "ramp": steps.ramp,
    "record": steps.record,
    "repeat": steps.repeat,
    "require": steps.require,
    "reverse": steps.reverse,
    "row": steps.row,
    "tell": steps.tell,
    "wait": steps.wait,
    "waveform": steps.waveform,
}

_COURSE: dict[str, Builder] = {
    "assignment": course.assignment,
    "at_least_between": course.at_least_between,
    "at_most_between": course.at_most_between,
    "at_most_sessions": course.at_most_sessions,
    "carry": course.carry,
    "course": course.course,
    "earlier": course.earlier,
    "ends_by": course.ends_by,
    "event": course.event,
    "every": course.every,
    "expect": course.expect,
    "frequency": course.frequency,
    "gate": course.gate,
    "next_when": course.next_when,
    "on_days": course.on_days,
    "on_weekdays": course.on_weekdays,
    "phase": course.phase,
    "rest_site": course.rest_site,
    "stop_when": course.stop_when,
    "test": course.test,
    "today": course.today,
}

_DECLARATIONS: dict[str, Builder] = {
    "around": declarations.around,
    "assume": declarations.assume,
    "current_range": declarations.current_range,
    "device": declarations.device,
    "device_setting": declarations.setting,
    "drug": declarations.drug,
    "drug_setting": declarations.setting,
    "electrode": declarations.electrode,
    "electrode_setting": declarations.setting,
    "envelope": declarations.envelope,
    "exclude": declarations.exclude,
    "import_": declarations.import_,
    "indication": declarations.indication,
    "interruptions": declarations.interruptions,
    "limit": declarations.limit,
    "may_saturate": declarations.may_saturate,
    "meant_for": declarations.meant_for,
    "medicine": declarations.medicine,
    "monitor": declarations.monitor,
    "no_resume": declarations.no_resume,
    "pause_limit": declarations.pause_limit,
    "placement": declarations.placement,
    "protocol": declarations.protocol,
    "prove": declarations.prove,
    "rule": declarations.rule,
    "screening": declarations.screening,
    "session": declarations.session,
    "slew_rule": declarations.slew_rule,
    "start": declarations.start,
    "title": declarations.title,
    "use": declarations.use,
    "waveforms": declarations.waveforms,
}

BUILDERS: dict[str, Builder] = _CLAUSES | _VALUES | _STEPS | _COURSE | _DECLARATIONS
