"""The words of the language: which cannot be names, where they belong, what the parser calls its tokens."""

from __future__ import annotations

# A keyword is recognised only where the grammar accepts it, so most words could be names. These cannot: they
# begin an item or join its parts, and a reader would stumble over them. The words of the field that are both
# an attribute and a natural name (`current`, `dose`, `area`) stay free. A test holds the two lists together.
_RESERVED = """
    import protocol envelope device drug electrode screening version extends title indication source hazard
    despite within screen active return cathode anode on with param adjustable ask record let refuse caution
    require when else finish before after during session course test interruptions each pause resume stop
    warn may no yes ramp hold deliver wait reverse repeat if confirm instruct classify demand to over at for
    until total from every times in any per as rounded ramping above given expect prove never always and or
    not min max soft limit assume exclude phase carry rest plus least most between previous split channel
    basal lockout move waiting needs apart then nan inf infinity
"""
RESERVED = frozenset(_RESERVED.split())

# Words of the grammar that may be names as well.
_FREE = """
    ac accuracy adjust area atc away back by cautioned channels charge class classified compliance
    concentration current day days dc delivered density dose down driver duration duty emergency_stop end ends
    fill finished first gap host icd10 icd10cm icd10gm icd11 impedance ion lead_off link_back link_lost loinc
    mean missing molar_mass next nominal normal offset paused peak people polarity press pulse pulsed refused
    reusable reversed rxnorm safe saturate sessions sine site slew snomed square start step stopped tick time
    transport udi unknown voltage warned watchdog waveforms week
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
"""
FREE = frozenset(_FREE.split())

# Units that are words of the grammar elsewhere: after a number they are units.
UNIT_WORDS = frozenset({"min", "day", "days", "week"})

_KINDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "UNIT": "a unit",
    "HAZARD": "a hazard such as `H-BURN`",
    "$END": "the end of the file",
}


def in_words(kind: str) -> str:
    """What a kind of token is called in a message."""
    return _KINDS.get(kind, f"`{kind}`")


_ANYWHERE_AROUND = "`before`, `session` or `after`"
_HOMES = {
    "the outermost level of a file": "import protocol envelope device drug electrode screening",
    "a protocol": "indication within screen active return param adjustable session course test prove before "
    "after interruptions may warn title",
    "`session { ... }`": "ramp hold deliver wait reverse repeat move",
    _ANYWHERE_AROUND: "if confirm instruct record classify require let",
    "a protocol or a screening list": "ask refuse caution",
    "`course { ... }`": "every phase rest carry",
    '`test "..." { ... }`': "given expect",
    "an envelope": "limit soft assume exclude",
    "a device": "driver compliance slew tick watchdog host waveforms channels",
    "a drug": "ion molar_mass concentration transport",
    "an electrode": "fill reusable",
}

# The words that begin an item and are hardly ever anything else, with where they belong: from these the
# parser takes heart again after a mistake.
HOMES: dict[str, str] = {word: home for home, words in _HOMES.items() for word in words.split()}
OUTERMOST = frozenset(_HOMES["the outermost level of a file"].split())
