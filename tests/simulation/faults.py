"""Everything that the adversary can do, by the requirement that it tests, and when it does it.

A fault is begun at some tick, lasts for some, and is ended, or not. What a device gives beyond its stated
accuracy no ledger can know before it is measured; the world counts it apart. Faults of the readings
themselves are `LYING`: by what they say no lower bound can be proved.
"""

from __future__ import annotations

from enum import Enum
from random import Random

from ionto_ir.dataclass import dataclass


class Kind(Enum):
    """What goes wrong, and which requirement is about it."""

    PLAN_FLIPPED = ("R1", "a byte of the sealed plan is changed")
    CLOCK_BACK = ("R6", "the clock is set back a day before the next session")
    LEAD_OFF = ("R29", "an electrode comes off, and may come back")
    SHORT = ("R30", "the electrodes touch")
    SKIN_JUMP = ("R32", "the skin's resistance jumps")
    COMPLIANCE = ("R31", "the device runs out of voltage")
    GAIN = ("R15", "the device delivers more than it is set to")
    CORRUPT_SETPOINT = ("R35", "the device's setpoint changes by itself")
    STUCK = ("R22", "the output ignores commands and leases")
    RESET = ("R48", "the device restarts")
    SIGN = ("R35", "readings have the wrong sign")
    FROZEN = ("R34", "one reading is repeated")
    NONSENSE = ("R34", "readings are far out of range")
    BAD_START = ("R8", "the output is on, or something flows, before the session")
    DEVICE_CLOCK = ("R53", "the device's clock jumps or runs fast or backwards")
    SILENT = ("R41", "the link is dead in both directions")
    DEAF_HOST = ("R38", "commands arrive, answers are lost")
    LOST_COMMANDS = ("R38", "commands are lost, readings arrive")
    DUPLICATES = ("R38", "commands arrive twice")
    OLD_COMMANDS = ("R40", "an earlier command arrives again, later")
    LOST_SAMPLES = ("R21", "some readings stay away")
    STALE_SAMPLES = ("R40", "readings arrive a tick late")
    LATE = ("R54", "a tick is late by less than the limit")
    VERY_LATE = ("R54", "the computer stands still for longer than the limit")
    WALL_CLOCK = ("R19", "the calendar jumps")
    PAUSE = ("R27", "a person pauses")
    RESUME = ("R27", "a person resumes, perhaps when nothing is paused")
    STOP = ("R23", "a person stops")
    EMERGENCY = ("R23", "a person stops at once")
    ADJUST = ("R26", "a person moves the level")
    CONFUSED = ("R12", "begin, confirm and enter at the wrong moment")
    FLOOD = ("R49", "the console says a hundred thousand things at once")
    CONSOLE_DIES = ("R56", "the console fails")
    SIGNAL = ("R25", "the process is told to end")
    DISK_FULL = ("R60", "a write finds no space")
    SYNC_FAILS = ("R60", "a sync fails, and the next would succeed")
    SHORT_WRITE = ("R60", "the system takes a part of a record")
    DISK_STALLS = ("R58", "the disk does not answer for a while")
    KILLED = ("R58", "the program is killed")
    POWER_LOST = ("R59", "power is lost, and the disk keeps what it likes")
    TAMPERED = ("R61", "the journal is changed afterwards")
    OUR_BUG = ("R56", "a part of ours raises")
    COMES_AND_GOES = ("R29", "an electrode touches, and does not, from tick to tick")
    DRY_AND_WET = ("R31", "the contact comes and goes at the highest voltage")
    WEAK = ("R31", "the device delivers less than it is set to")
    SCALED = ("R35", "readings are ten times too high or too low")
    SPIKE = ("R34", "one value of a reading is absurd")
    REPEATED = ("R40", "the newest reading is told again and again, number and clock included")
    DISORDER = ("R40", "readings arrive in the wrong order")
    CLOCK_RATE = ("R53", "the device's clock runs a tenth too slow or too fast")
    LOST_ANSWERS = ("R38", "commands are carried out, their answers are lost, readings arrive")
    RESTARTS = ("R48", "the device restarts again and again")
    SECRET_RESET = ("R48", "the device restarts and does not count it")
    SLEEPS_PAUSED = ("R27", "a person pauses, and then the computer sleeps")
    MASHING = ("R12", "somebody presses everything at random")
    ODD_WORDS = ("R69", "answers that no form would let through")
    AT_SEALING = ("R60", "disk or program fail while the journal is sealed")

    @property
    def requirement(self) -> str:
        """The requirement's number."""
        return self.value[0]


LYING = frozenset(
    {
        Kind.SIGN,
        Kind.FROZEN,
        Kind.NONSENSE,
        Kind.STALE_SAMPLES,
        Kind.SCALED,
        Kind.SPIKE,
        Kind.REPEATED,
        Kind.DISORDER,
    }
)
WISHES = frozenset(
    {
        Kind.PAUSE,
        Kind.RESUME,
        Kind.STOP,
        Kind.ADJUST,
        Kind.CONFUSED,
        Kind.FLOOD,
        Kind.MASHING,
        Kind.ODD_WORDS,
        Kind.WALL_CLOCK,
        Kind.SIGNAL,
        Kind.PLAN_FLIPPED,
        Kind.CLOCK_BACK,
        Kind.TAMPERED,
    }
)
"""Nothing is wrong with device, line, computer or skin, so no alarm says that it is."""

ENDING = frozenset({Kind.KILLED, Kind.POWER_LOST})
"""Nothing of the session is left after these."""

AFTERWARDS = frozenset({Kind.PLAN_FLIPPED, Kind.CLOCK_BACK, Kind.TAMPERED})
"""Not part of the session: judged when it is over."""

BEFORE = frozenset({Kind.BAD_START})

FAULTS_MAX = 4
TICKS_MAX = 90
"""Sessions of the adversary last a few seconds; faults are drawn over all of that and a little more."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault from tick `at` on, for `lasts` ticks; `size` in millionths says how bad it is."""

    at: int
    lasts: int
    kind: Kind
    size: int


def _latest(chance: Random) -> int:
    return TICKS_MAX // chance.choice((1, 2, 3))


def drawn_faults(chance: Random) -> tuple[Planned, ...]:
    """None to a few, most of them while current flows; in one world of three all of them in the same tick,
    or in the tick after it.
    """
    kinds = tuple(Kind)
    together = chance.randint(1, _latest(chance)) if chance.random() < 1 / 3 else None

    def moment(kind: Kind) -> int:
        if kind in BEFORE or kind in AFTERWARDS:
            return 0 if kind in BEFORE else 1
        return chance.randint(1, _latest(chance)) if together is None else together + chance.choice((0, 0, 1))

    return tuple(
        Planned(
            at=moment(kind),
            lasts=chance.choice((1, 1, 2, 3, 5, 8, 30)),
            kind=kind,
            size=chance.randint(1, 1_000_000),
        )
        for kind in (chance.choice(kinds) for _ in range(chance.randint(0, FAULTS_MAX)))
    )
