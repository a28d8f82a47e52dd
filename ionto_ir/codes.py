"""Every code that a diagnostic can have, declared once, with its meaning in a few words.

A code is never reused. `ionto_ir/pages/` has a page for each, which `ionto explain` shows.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # I00xx: our own bugs
    "I0001": "ionto itself went wrong",
    # I01xx: syntax
    "I0101": "something cannot stand where it stands",
    "I0102": "a brace or bracket too few or too many",
    "I0103": "a text that is not closed",
    "I0104": "a word of the language used as a name",
    "I0105": "a character that has no place",
    "I0106": "a number that is not written as numbers are",
    "I0107": "an invisible character",
    "I0108": "a file that is not UTF-8 text",
    "I0109": "a file beyond all bounds",
    "I0110": "nested too deeply",
    "I0111": "a unit in pieces, or without a number",
    "I0112": "said twice in one line",
    "I0113": "an unknown escape in a text",
    "I0114": "a place with nothing to prove there",
    "I0115": "a limit that is not written with `<=`",
    "I0116": "chained comparisons",
    "I0117": "the wrong one of `=`, `:` and `==`",
    "I0118": "something that is not the name of a hazard",
    # I02xx: names
    # I03xx: types and dimensions
    # I04xx: structure
    # I05xx: lints
    # I06xx: refuted
    # I07xx: vacuous or undecided
    # I08xx: plans, sealed and read back
    "I0801": "a sealed plan cannot be read",
    "I0802": "a sealed plan is too large",
    "I0803": "a sealed plan is not in canonical form",
    "I0804": "a file is not a sealed plan",
    "I0805": "a sealed plan of another format",
    "I0806": "a seal of another kind",
    "I0807": "a plan is not the plan that was verified",
    "I0808": "a signature does not fit",
    "I0809": "nobody who is trusted has signed a plan",
    "I0810": "a key file cannot be used",
    "I0811": "a plan cannot be sealed",
    "I0812": "a key file cannot be written",
    "I0820": "a plan is not written as plans are",
    "I0821": "a plan of another schema version",
    "I0822": "a plan requires more than this version has, or does not say what it requires",
    "I0823": "the steps of a plan do not lead where steps must lead",
    "I0824": "a variable of a plan is not well declared",
    "I0825": "an expression of a plan does not mean anything",
    "I0826": "a step of a plan does not fit the current at which it begins",
    "I0827": "a number of a plan is impossible",
    # I09xx: usage, devices, and the values of a session
    "I0901": "a command line that cannot be carried out",
    "I0902": "a code that does not exist",
    "I0903": "a protocol that cannot be started there",
    "I0904": "a file or folder that cannot be read or written",
    "I0905": "a file without the protocol that was asked for",
    "I0906": "a value that cannot be entered",
    "I0907": "no key to seal a plan with",
    "I0908": "a name that cannot own a key",
    "I0909": "a protocol that is not proved is not compiled",
    "I0930": "a value is missing",
    "I0931": "a value that the plan does not know, or of the wrong kind",
    "I0932": "a value outside its range",
    "I0933": "a value between two steps",
    "I0934": "a current that the device cannot set or drive",
    "I0935": "a requirement is not met",
    "I0936": "this person is refused",
    "I0937": "a caution needs an answerable person",
    "I0938": "a soft limit needs an answerable person",
    "I0939": "this person is excluded by an envelope",
    "I0940": "a limit would be violated",
    "I0941": "too early, or too often",
    "I0942": "something has no usable value",
    "I0943": "the session would not finish",
    "I0944": "an acknowledgement that acknowledges nothing",
    "I0950": "an expectation of a test does not hold",
}
