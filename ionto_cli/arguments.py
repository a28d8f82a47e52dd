"""The command line: every command with its options, help and an example."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from ionto_cli.exits import Exit

UNKNOWN_CHOICE = re.compile(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", re.DOTALL)
NO_NUMBER = re.compile(r"argument (\S+): invalid int value: '(.*)'")


class Parser(argparse.ArgumentParser):
    """An argument parser whose usage errors carry a code and exit with 4, as every other message does."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line and how to find out what is right."""
        advice = f"`{self.prog} --help` shows the options"
        chosen = UNKNOWN_CHOICE.search(message)
        if chosen is not None:
            found, known = chosen.group(2), re.findall(r"'([^']*)'", chosen.group(3))
            what = "command" if chosen.group(1) == "COMMAND" else chosen.group(1)
            from difflib import get_close_matches

            near = get_close_matches(found, known, n=1)
            message = f"there is no {what} `{found}`"
            advice = (f"did you mean `{near[0]}`? " if near else "") + "there are: " + ", ".join(known)
        elif (number := NO_NUMBER.search(message)) is not None:
            message = f"`{number.group(1)} {number.group(2)}`: a whole number belongs there"
        self.exit(Exit.USAGE, f"error[I0901]: {message}\n    = help: {advice}\n")


HELP_WIDTH = 100
"""Fixed: asking the terminal loads a library, for every argument of every command, at every start."""


JOBS_MAX = 64
"""Each process holds a prover and a solver, some hundred megabytes; beyond this a slip is likelier."""


def _layout(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=HELP_WIDTH)


Commands = argparse._SubParsersAction  # the type that argparse returns and does not publish


def build() -> Parser:
    """The parser for the whole command line."""
    parser = Parser(
        prog="ionto",
        description="Write, prove, compile and run iontophoresis treatment protocols.",
        epilog="example: ionto verify heel.ionto\n\nNot a certified medical device.",
        formatter_class=_layout,
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for add in (
        _verify,
        _compile,
        _recheck,
        _run,
        _console,
        _devices,
        _doctor,
        _simulate,
        _sessions,
        _replay,
        _export,
        _test,
        _plot,
        _report,
        _diff,
        _fmt,
        _explain,
        _keys,
        _new,
        _demo,
    ):
        add(commands)
    return parser


Adder = Callable[["Commands[Parser]"], None]


def _command(commands: Commands[Parser], name: str, purpose: str, example: str) -> Parser:
    return commands.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=_layout,
    )


def _source(parser: Parser, many: bool = False) -> None:
    text = "protocol file (.ionto), or a shipped one by name: treatments.plantar_fasciitis_dexamethasone"
    if many:
        parser.add_argument("files", nargs="+", metavar="FILE", help=text)
    else:
        parser.add_argument("file", metavar="FILE", help=text)
    parser.add_argument(
        "--device", metavar="NAME", help="device profile to use instead of the one the file names"
    )
    parser.add_argument("--protocol", metavar="NAME", help="only this protocol of the file")


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="write JSON for machines to standard output")


def _values(parser: Parser, more: str = "") -> None:
    parser.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"give a parameter or an answer, with its unit; may be repeated{more}",
    )


def _verify(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "verify",
        "prove a protocol's safety for all values, patients and interruptions, or show a counterexample",
        "ionto verify heel.ionto --json",
    )
    _source(parser, many=True)
    _json(parser)
    parser.add_argument("--sarif", metavar="PATH", help="also write the findings as SARIF 2.1.0")
    parser.add_argument("--junit", metavar="PATH", help="also write the verdicts as JUnit XML")
    parser.add_argument(
        "--margins", action="store_true", help="show every margin, not only the smallest ones"
    )
    parser.add_argument(
        "--show", action="store_true", help="draw each counterexample, with a test block to paste"
    )
    parser.add_argument(
        "--machine", action="store_true", help="also prove the machine theorem and show its queries"
    )
    parser.add_argument(
        "--queries", metavar="FOLDER", help="also write the queries of the machine theorem there, as SMT-LIB"
    )
    parser.add_argument(
        "--cross-check",
        action="store_true",
        help="also ask a second solver (cvc5) every question; a contradiction exits with 5",
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="verify N files at a time, each in a process; 0: as many as there are cores (default: 1)",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="prove unchanged files anew, whatever the cache of verdicts says",
    )


def _jobs(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > JOBS_MAX:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of processes from 0 to {JOBS_MAX}")
    return int(text)


def _compile(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "compile",
        "verify a protocol and seal its step plan for one device",
        "ionto compile heel.ionto --output heel.plan.json",
    )
    _source(parser)
    parser.add_argument(
        "--output", "-o", metavar="PATH", help="where to write the sealed plan (default: NAME.plan.json)"
    )
    parser.add_argument(
        "--key", metavar="PATH", help="private key to sign with (default: the one of `ionto keys new`)"
    )


def _recheck(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "recheck",
        "check every certificate of a sealed plan without a solver, and say what each claim rests on",
        "ionto recheck heel.plan.json",
    )
    parser.add_argument("plan", metavar="PLAN", help="sealed plan (.plan.json)")
    parser.add_argument("--trust", metavar="FOLDER", help="folder of trusted public keys")
    _json(parser)


def _run(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "run",
        "run a sealed plan: ask, confirm, execute, and keep a journal",
        "ionto run heel.plan.json --accelerate 60",
    )
    parser.add_argument("plan", metavar="PLAN", help="sealed plan (.plan.json)")
    _values(parser, "; what is recorded in the session is asked for then, and given only with `--yes`")
    parser.add_argument("--patient", metavar="TOKEN", help="patient token for the record, never a name")
    parser.add_argument("--operator", metavar="NAME", help="who runs the session")
    parser.add_argument(
        "--records", metavar="FOLDER", default="records", help="where journals are kept (default: records)"
    )
    parser.add_argument(
        "--port",
        action="append",
        default=[],
        metavar="PATH",
        help="run on the device at this line; `simulated` tries the same without one (default: no device); "
        "with several channels CHANNEL=PATH for each",
    )
    parser.add_argument(
        "--web",
        nargs="?",
        type=int,
        const=0,
        metavar="PORT",
        help="command the session from a page in the browser of this computer (default port: a free one)",
    )
    parser.add_argument(
        "--console",
        action="store_true",
        help="command the session from a full screen in this terminal (needs `ionto[console]`)",
    )
    parser.add_argument(
        "--device-file",
        action="append",
        default=[],
        metavar="PATH",
        help="which unit it must be, as `ionto doctor --save` wrote it; with several channels CHANNEL=PATH",
    )
    parser.add_argument(
        "--driver", metavar="NAME", help="driver of the device (default: the one the plan was compiled for)"
    )
    parser.add_argument(
        "--accelerate", type=int, default=1, metavar="N", help="run N times faster than real time"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the simulated skin")
    parser.add_argument("--trust", metavar="FOLDER", help="folder of trusted public keys")
    parser.add_argument(
        "--yes", action="store_true", help="confirm every prompt: for demonstrations and tests only"
    )
    parser.add_argument("--plain", action="store_true", help="write plain lines instead of the live display")
    _json(parser)


def _console(commands: Commands[Parser]) -> None:
    purpose = "watch, stop or command a session that runs on this computer, from another terminal"
    parser = _command(commands, "console", purpose, "ionto console --stop")
    parser.add_argument(
        "session", nargs="?", metavar="SESSION", help="which one, as it begins (default: the one that runs)"
    )
    parser.add_argument("--stop", action="store_true", help="stop it now, without a screen, and see it off")
    text = "command it if nobody does (default: watch until `c` is pressed)"
    parser.add_argument("--command", dest="commands", action="store_true", help=text)
    parser.add_argument("--list", action="store_true", help="list the sessions that run, and do nothing else")


def _devices(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "devices",
        "list the lines of this computer, and what each kind of device can do",
        "ionto devices",
    )
    _json(parser)


def _doctor(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "doctor",
        "look at a device at zero current: identity, output, limits, dead-man, clock, errors, round trips",
        "ionto doctor --port /dev/ttyUSB0 --save heel_room",
    )
    parser.add_argument(
        "--port", required=True, metavar="PATH", help="the device's line; `simulated` is a device without one"
    )
    parser.add_argument("--driver", default="ionlink", metavar="NAME", help="its driver (default: ionlink)")
    parser.add_argument(
        "--watchdog",
        metavar="PATH",
        help="the line of the relay that ends its output, where it has no dead-man",
    )
    parser.add_argument("--save", metavar="PATH", help="write a device file that allows just this unit")
    _json(parser)


def _simulate(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "simulate",
        "execute a protocol on the simulated stimulator and skin in virtual time",
        "ionto simulate heel.ionto --set current='2 mA' --seed 7",
    )
    _source(parser)
    _values(parser)
    parser.add_argument(
        "--at", action="append", default=[], metavar="'TIME EVENT'", help="e.g. '5 min pause'"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the simulated skin")
    parser.add_argument("--plot", metavar="PATH", help="draw what happened as SVG or PNG")
    parser.add_argument(
        "--population",
        type=int,
        metavar="N",
        help="N people who differ, and how all that comes of it is spread",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="with --population: dask scheduler whose workers compute (needs `ionto[cluster]`)",
    )
    _json(parser)


def _records(parser: Parser) -> None:
    parser.add_argument(
        "--records", metavar="FOLDER", default="records", help="where journals are kept (default: records)"
    )


def _sessions(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "sessions",
        "list the sessions on record, show one, verify their seals, make the index anew",
        "ionto sessions list --patient P1 --since 2026-01-01",
    )
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "show", "verify", "rebuild"),
        help="what to do (default: list)",
    )
    parser.add_argument("session", nargs="?", metavar="SESSION", help="with show: its name or how it begins")
    _records(parser)
    parser.add_argument("--patient", metavar="TOKEN", help="only this patient's")
    parser.add_argument("--protocol", metavar="NAME", help="only sessions of this protocol")
    parser.add_argument("--since", metavar="DATE", help="only sessions begun on this day (UTC) or later")
    parser.add_argument("--until", metavar="DATE", help="only sessions begun on this day (UTC) or earlier")
    _json(parser)


def _replay(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "replay",
        "run a journal's events through the machine again, compare every command, draw what happened",
        "ionto replay records/heel-20260101T090000Z-1f2e3d4c.journal",
    )
    parser.add_argument("journal", metavar="JOURNAL", help="journal of a session")
    parser.add_argument("--plan", metavar="PLAN", help="its sealed plan (default: the one kept beside it)")
    _json(parser)


def _export(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "export",
        "write a session as CSV, EDF+ or a FHIR R4 bundle, tick by tick",
        "ionto export records/heel-20260101T090000Z-1f2e3d4c.journal --format fhir",
    )
    parser.add_argument("journal", metavar="JOURNAL", help="journal of a session")
    parser.add_argument(
        "--format",
        required=True,
        choices=("csv", "edf", "fhir"),
        help="what to write; edf needs `ionto[export]`",
    )
    parser.add_argument(
        "--output", "-o", metavar="PATH", help="where to write it (default: beside the journal)"
    )
    parser.add_argument("--plan", metavar="PLAN", help="its sealed plan (default: the one kept beside it)")
    parser.add_argument(
        "--as-treatment",
        action="store_true",
        help="state that it is a treatment; refused for simulated, open and damaged sessions",
    )


def _test(commands: Commands[Parser]) -> None:
    parser = _command(
        commands, "test", "run the test blocks that stand in a protocol", "ionto test heel.ionto"
    )
    _source(parser, many=True)
    _json(parser)


def _diff(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "diff",
        "compare two protocols: the same treatment, and does the new one ever admit more?",
        "ionto diff heel.plan.json heel.ionto",
    )
    parser.add_argument(
        "old", metavar="OLD", help="protocol file, or sealed plan (.plan.json) that is in use"
    )
    parser.add_argument("new", metavar="NEW", help="protocol file or sealed plan")
    parser.add_argument("--device", metavar="NAME", help="device profile (default: the old one's)")
    parser.add_argument("--protocol", metavar="NAME", help="only this protocol of the files")
    parser.add_argument("--trust", metavar="FOLDER", help="folder of trusted public keys")
    parser.add_argument("--all", action="store_true", help="show what is the same, too")
    _json(parser)


def _plot(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "plot",
        "draw the current over time with its limits and margins",
        "ionto plot heel.ionto --output heel.svg",
    )
    _source(parser)
    _values(parser)
    parser.add_argument(
        "--output",
        "-o",
        metavar="PATH",
        help="SVG or PNG, by its ending (default: both, NAME.svg and NAME.png)",
    )


def _report(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "report",
        "write one HTML page: the protocol in words, its proof, margins, hazards, sources, and a run",
        "ionto report heel.ionto --output heel.html",
    )
    _source(parser)
    _values(parser)
    parser.add_argument("--output", "-o", metavar="PATH", help="where to write the page (default: NAME.html)")
    parser.add_argument("--journal", metavar="PATH", help="journal of a run to include")


def _fmt(commands: Commands[Parser]) -> None:
    parser = _command(
        commands, "fmt", "lay out protocol files the one way they are laid out", "ionto fmt heel.ionto"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="files to rewrite; `-` reads standard input")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 when a file would change"
    )


def _explain(commands: Commands[Parser]) -> None:
    parser = _command(commands, "explain", "explain a diagnostic code, with examples", "ionto explain I0304")
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="for example I0304; without it, all codes are listed"
    )


def _keys(commands: Commands[Parser]) -> None:
    parser = _command(commands, "keys", "make and show the keys that seal plans", "ionto keys new")
    parser.add_argument(
        "action", choices=("new", "list", "trust"), help="make a key pair, list keys, or trust a public key"
    )
    parser.add_argument("path", nargs="?", metavar="PATH", help="with trust: the public key file")
    parser.add_argument("--owner", default="author", metavar="NAME", help="whose key it is (default: author)")
    parser.add_argument(
        "--folder", metavar="FOLDER", help="where keys are kept (default: ~/.config/ionto/keys)"
    )


def _new(commands: Commands[Parser]) -> None:
    parser = _command(
        commands, "new", "start a protocol from a small example that verifies", "ionto new heel"
    )
    parser.add_argument("name", metavar="NAME", help="name of the protocol; the file is NAME.ionto")


def _demo(commands: Commands[Parser]) -> None:
    parser = _command(
        commands,
        "demo",
        "verify, compile and run a shipped protocol on the simulator, then break it and show why",
        "ionto demo --folder demo",
    )
    parser.add_argument(
        "--folder", metavar="FOLDER", default="demo", help="where to leave plan, journal, pictures and report"
    )
