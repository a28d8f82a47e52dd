"""The requirements of the runtime, R1 to R70, in one sentence each, with what is to be said about them.

The tests name the requirement whose fault they inject; `docs.generate` puts the two together.
"""

from __future__ import annotations

REQUIREMENTS: dict[str, str] = {
    "R1": "a session starts only from a plan whose very bytes were verified, and again at arming",
    "R2": "the runtime has hard ceilings of its own, whatever a certificate says",
    "R3": "the operator confirms plan, patient, site, area and polarity; anything else refuses",
    "R4": "the device is the model, unit and firmware that is allowed, in calibration",
    "R5": "a plan is refused on a device that lacks what it needs",
    "R6": "a session is given once; repeats and the charge of a day are locked out",
    "R7": "no limit, file or configuration changes anything while a session is armed or runs",
    "R8": "the first act on a device is output off, seen off, and nothing measured",
    "R9": "clock, journal, disk, files, alarm path and error list are tested before arming",
    "R10": "the dead-man is seen to trip, at zero current, before each session",
    "R11": "compliance and limits are set and read back, and read again every ten seconds",
    "R12": "switching on is an act apart from arming, at setpoint zero, and no query does it",
    "R13": "no more than a probe of 100 µA flows before a closed circuit was seen",
    "R14": "what is commanded never exceeds the plan at that moment, rounded towards zero",
    "R15": "measured current above the setpoint stops; above every ceiling it opens the output",
    "R16": "nothing but a trip moves the current faster than the plan's ramps",
    "R17": "the polarity turns only after zero was seen for two seconds",
    "R18": "every way down ends at a measured zero",
    "R19": "the output is on no longer than the plan, by a clock that only runs forward",
    "R20": "charge is counted from the larger of commanded and measured, and its excess ends the session",
    "R21": "a missed sample counts at the worst; three in a row end the flow",
    "R22": "an end is a measured zero for a second, else a high alarm",
    "R23": "one stop action from any state, written to the device at once",
    "R24": "a stop overtakes whatever is queued",
    "R25": "two stop paths, each of which works with the other dead",
    "R26": "the operator may lower; what was lowered does not rise by itself",
    "R27": "a pause ramps to zero, a resumption probes and ramps again, a long pause ends the session",
    "R28": "after a crash nothing flows until a person starts a new session",
    "R29": "an open circuit takes the setpoint to zero before the contact comes back",
    "R30": "electrodes that touch stop the session",
    "R31": "at the highest voltage nothing rises, and the dose is said to be behind",
    "R32": "a sudden change of the contact pauses the session",
    "R33": "density is bounded at admission and by what is measured; 2 mA/cm² is absolute",
    "R34": "a reading that cannot be true is a fault, not a value",
    "R35": "command, setpoint, output and measurement are compared each tick, with their signs",
    "R36": "the reset state of a device is no output, and its table says so",
    "R37": "a damaged frame is never acted on",
    "R38": "without an answer the outcome is unknown: the state is read, nothing is repeated blindly",
    "R39": "a fault report is an answer, and what it leaves undelivered is subtracted once",
    "R40": "a late reply is never taken for the answer to a newer question",
    "R41": "a silent link ends the session, and the output counts as unknown until it is seen",
    "R42": "the device ends its output by itself when no lease comes",
    "R43": "the lease comes from the safety loop alone, after its checks",
    "R44": "a lease that is replayed does not feed the dead-man",
    "R45": "what nothing would end runs nothing; what a program or a relay ends is for the bench",
    "R46": "a line belongs to one runtime; a second one fails and changes nothing",
    "R47": "replugging or swapping never resumes",
    "R48": "a restart of the device is seen and ends the session",
    "R49": "garbage and floods take bounded memory and do not delay the loop",
    "R50": "every read and write has a deadline",
    "R51": "retries are bounded, and the bound stops",
    "R52": "whatever the device complains of stops the session",
    "R53": "the device's clock runs forward and as fast as the host's, to a percent",
    "R54": "a tick that is 250 ms late stops; nothing is ever caught up",
    "R55": "the safety loop is a process of its own, with no display, export or database",
    "R56": "an error in any part comes down, goes on record and leaves with a bad exit code",
    "R57": "memory and files stay bounded over a day",
    "R58": "intent is durable before a command, outcome after; recovery gives two bounds",
    "R59": "after a cut at any byte the journal opens and proves the rest",
    "R60": "a failed sync or a full disk is a stop, never a retry",
    "R61": "any change of sealed records is found",
    "R62": "exports say what the journal says",
    "R63": "each alarm has a priority, a sentence and an action; colour is never alone",
    "R64": "an audio pause is short and masks no new alarm; high alarms latch",
    "R65": "an old value is shown as old",
    "R66": "a console that is lost is an alarm and then a stop",
    "R67": "one console commands, with the session's token",
    "R68": "stop is always there and asks nothing; start, resume and acknowledge ask",
    "R69": "every number shows its unit; entry takes one form",
    "R70": "what is simulated says so everywhere, and is never exported as a treatment",
}

NOTES: dict[str, str] = {
    "R19": "the margin is the host gap of the device (250 ms), not one tick: two ticks that a busy computer "
    "has lost would otherwise end a session; all of it is counted as delivered",
    "R26": "what the plan makes adjustable can be lowered; a plan without it can be paused or stopped",
    "R29": "contacts shorter than a tick are the device's to notice; the host sees to it that no more than "
    "the setpoint flows",
    "R34": "a converter that stands still while nothing should move is only found out by the device's clock",
    "R55": "measured: 5 ms with SCHED_FIFO; where the system does not grant it, a machine whose cores are "
    "taken moves the tail by 90 ms (docs/reference/safety.md)",
    "R45": "StimJim: a pulse train that grounds the output one lease after it was last started; the 2400 "
    "family: a watchdog relay on the output-enable line, named in the device file, else no plan runs; both "
    "are proven at zero current before each session, with a standing banner, and never for people",
}
"""Where a requirement is met otherwise than it is written."""
