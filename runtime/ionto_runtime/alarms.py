"""Alarms that the runtime raises itself; those of the machine are listed in `ionto_ir.events`.

Codes are never reused. The machine's end at F19.
"""

from __future__ import annotations

from ionto_ir.events import Alarm, Priority

ALARMS: dict[str, Alarm] = {
    alarm.code: alarm
    for alarm in (
        Alarm("F20", "the output cannot be seen to be off: disconnect the patient", Priority.HIGH),
        Alarm("F21", "the journal cannot be written: the session stops", Priority.MEDIUM),
        Alarm("F22", "the computer was too slow: the session stops", Priority.MEDIUM),
        Alarm("F23", "the display failed: the session stops", Priority.MEDIUM),
        Alarm("F24", "ionto itself went wrong: the output is open", Priority.HIGH),
        Alarm("F25", "the device is at its highest voltage: less current flows than is set", Priority.LOW),
        Alarm("F26", "the computer was late by more than a tick", Priority.LOW),
        Alarm("F30", "the device does not answer: what its output does is not known", Priority.HIGH),
        Alarm("F31", "the device has restarted: its output is off", Priority.HIGH),
        Alarm("F32", "the clock of the device runs wrong: the session stops", Priority.MEDIUM),
        Alarm("F33", "the device has gone to zero by itself", Priority.HIGH),
        Alarm("F34", "the device serves another host: the session is over", Priority.HIGH),
        Alarm("F35", "the line to the device is disturbed: the session stops", Priority.MEDIUM),
        Alarm("F55", "the instrument reports an error: the session stops", Priority.MEDIUM),
        Alarm("F56", "the instrument gives no reading where one belongs", Priority.HIGH),
    )
}

FAILURES = frozenset({"F20", "F21", "F22", "F23", "F24"})
"""With one of these a session has failed, whatever the plan had reached."""

SYMBOLS: dict[Priority, str] = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!"}
"""Colour is never the only sign of urgency; these are the marks of IEC 60601-1-8."""
