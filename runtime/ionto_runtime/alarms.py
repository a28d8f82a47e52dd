"""Alarms that the runtime raises itself; those of the machine are listed in `ionto_ir.events`.

Codes are never reused. The machine's end at F19; those from F37 on are raised by the watches.
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
        Alarm("F37", "more current flows than is set: the session stops", Priority.HIGH),
        Alarm("F38", "the readings of the device cannot be true: the output is open", Priority.HIGH),
        Alarm("F39", "the current flows the wrong way: the output is open", Priority.HIGH),
        Alarm("F40", "the electrodes touch, or nearly: the session stops", Priority.MEDIUM),
        Alarm("F41", "the contact has changed suddenly: the session pauses", Priority.MEDIUM),
        Alarm("F42", "less current flows than is set: the dose is behind the plan", Priority.MEDIUM),
        Alarm("F43", "more charge has flowed than the plan accounts for: the session stops", Priority.HIGH),
        Alarm("F44", "the clocks of device and computer disagree: the output is open", Priority.HIGH),
        Alarm("F45", "the device complains: the session stops", Priority.HIGH),
        Alarm("F46", "the device no longer holds its limits: the output is open", Priority.HIGH),
        Alarm("F47", "nobody looks after the session any more: it stops", Priority.MEDIUM),
        Alarm(
            "F48",
            "the device does not answer and nothing ends its output: disconnect the patient",
            Priority.HIGH,
        ),
        Alarm("F49", "more current flows than is ever allowed: the output is open", Priority.HIGH),
        Alarm("F55", "the instrument reports an error: the session stops", Priority.MEDIUM),
        Alarm("F56", "the instrument gives no reading where one belongs", Priority.HIGH),
        Alarm("F57", "the current is not let rise for too long: the session stops", Priority.MEDIUM),
        Alarm("F58", "the current was kept from rising too often: the session stops", Priority.MEDIUM),
        Alarm(
            "F69",
            "all channels together are set higher than is ever allowed: every output is open",
            Priority.HIGH,
        ),
        Alarm("F70", "the channels are out of step: every output is open", Priority.HIGH),
    )
}

FAILURES = frozenset({"F20", "F21", "F22", "F23", "F24"})
"""With one of these a session has failed, whatever the plan had reached."""

SYMBOLS: dict[Priority, str] = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!"}
"""Colour is never the only sign of urgency; these are the marks of IEC 60601-1-8."""
