"""The command line as a user meets it: what it prints, what it leaves behind, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ionto_cli.__main__ import main
from ionto_cli.exits import Exit

TREATMENT = "treatments.plantar_fasciitis_dexamethasone"
UNSAFE = "unsafe.ramp_too_steep"

Ionto = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ionto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ionto:
    """Runs a command in an empty folder with settings of its own; gives exit code, output and complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IONTO_HOME", str(tmp_path / "home"))

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(list(words))
        except SystemExit as left:
            code = int(left.code or 0)
        printed = capfd.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return code, printed.out, printed.err

    return run


def test_help_of_every_command_has_an_example(ionto: Ionto) -> None:
    code, out, _ = ionto("--help")
    assert code == 0
    names = [line.split()[0] for line in out.splitlines() if line.startswith("    ") and line[4] != " "]
    assert {
        "verify",
        "compile",
        "run",
        "simulate",
        "test",
        "plot",
        "report",
        "fmt",
        "explain",
        "keys",
    } <= set(names)
    for name in names:
        code, out, _ = ionto(name, "--help")
        assert (code, "example: ionto " in out) == (0, True), name


def test_an_unknown_command_or_option_is_a_usage_error(ionto: Ionto) -> None:
    code, _, complaint = ionto("verfy")
    assert (code, "I0901" in complaint, "did you mean `verify`" in complaint) == (Exit.USAGE, True, True)
    assert ionto("verify", TREATMENT, "--fast")[0] == Exit.USAGE
    assert ionto()[0] == Exit.USAGE


def test_a_proved_protocol_exits_with_0_and_a_refuted_one_with_1(ionto: Ionto) -> None:
    code, out, complaint = ionto("verify", TREATMENT)
    assert (code, complaint) == (Exit.PROVED, "")
    assert "proved" in out.splitlines()[0]
    code, out, complaint = ionto("verify", UNSAFE)
    assert code == Exit.REFUTED
    assert "I0603" in complaint
    assert "refuted" in out


def test_several_files_exit_with_the_gravest_outcome(ionto: Ionto) -> None:
    assert ionto("verify", TREATMENT, UNSAFE)[0] == Exit.REFUTED
    assert ionto("verify", TREATMENT, UNSAFE, "unsafe.no_ramp_down")[0] == Exit.SOURCE


def test_json_sarif_and_junit_say_what_the_exit_code_says(ionto: Ionto, tmp_path: Path) -> None:
    code, out, _ = ionto("verify", UNSAFE, "--json", "--sarif", "out.sarif", "--junit", "out.xml")
    assert code == Exit.REFUTED
    [file] = json.loads(out)["files"]
    assert file["exit"] == Exit.REFUTED
    [run] = json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))["runs"]
    assert {result["ruleId"] for result in run["results"]} == {"I0603"}
    assert run["results"][0]["level"] == "error"
    suites = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["1"]


def test_a_file_that_is_not_there_or_not_text_is_a_source_error(ionto: Ionto, tmp_path: Path) -> None:
    assert ionto("verify", "nowhere.ionto")[0] == Exit.SOURCE
    (tmp_path / "bytes.ionto").write_bytes(b"\xff\xfe\x00p")
    code, _, complaint = ionto("verify", "bytes.ionto")
    assert (code, "I0108" in complaint) == (Exit.SOURCE, True)
    (tmp_path / "deep.ionto").write_text("protocol a { session {" + "if yes {" * 5_000, encoding="utf-8")
    assert ionto("verify", "deep.ionto")[0] == Exit.SOURCE
    (tmp_path / "long.ionto").write_text("# nothing\n" * 1_000_000, encoding="utf-8")
    assert ionto("verify", "long.ionto")[0] == Exit.SOURCE
    (tmp_path / "folder.ionto").mkdir()
    assert ionto("verify", "folder.ionto")[0] == Exit.SOURCE


def test_a_new_protocol_verifies_tests_and_compiles(ionto: Ionto, tmp_path: Path) -> None:
    assert ionto("new", "heel")[0] == 0
    code, _, complaint = ionto("new", "heel")
    assert (code, "I0903" in complaint) == (Exit.USAGE, True)
    assert ionto("fmt", "--check", "heel.ionto")[0] == 0
    assert ionto("verify", "heel.ionto")[0] == 0
    assert ionto("test", "heel.ionto")[0] == 0
    code, _, complaint = ionto("compile", "heel.ionto")
    assert (code, "I0907" in complaint) == (Exit.SOURCE, True)
    assert ionto("keys", "new", "--owner", "Clinic North")[0] == 0
    assert ionto("compile", "heel.ionto")[0] == 0
    assert (tmp_path / "heel.plan.json").exists()


def test_a_protocol_that_is_not_proved_is_not_compiled(ionto: Ionto, tmp_path: Path) -> None:
    ionto("keys", "new")
    code, _, complaint = ionto("compile", UNSAFE, "--output", "unsafe.plan.json")
    assert (code, "I0909" in complaint) == (Exit.REFUTED, True)
    assert not (tmp_path / "unsafe.plan.json").exists()


def test_a_plan_with_one_byte_changed_does_not_run(ionto: Ionto, tmp_path: Path) -> None:
    ionto("keys", "new")
    ionto("compile", TREATMENT, "--output", "plan.json")
    data = bytearray((tmp_path / "plan.json").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "plan.json").write_bytes(bytes(data))
    code, _, complaint = ionto("run", "plan.json")
    assert (code, "error[I08" in complaint) == (Exit.SOURCE, True)


def test_a_key_without_an_owner_is_refused(ionto: Ionto) -> None:
    code, _, complaint = ionto("keys", "new", "--owner", "")
    assert (code, "I0908" in complaint) == (Exit.USAGE, True)
    assert ionto("keys", "trust")[0] == Exit.USAGE
    assert ionto("keys", "list")[0] == 0


def test_every_code_can_be_explained_and_no_other(ionto: Ionto) -> None:
    code, out, _ = ionto("explain")
    codes = [line.split()[0] for line in out.splitlines()]
    assert (code, "I0304" in codes) == (0, True)
    code, out, _ = ionto("explain", "i0304")
    assert (code, out.startswith("# I0304")) == (0, True)
    code, _, complaint = ionto("explain", "I9999")
    assert (code, "I0902" in complaint) == (Exit.USAGE, True)


def test_pictures_and_a_report_are_drawn(ionto: Ionto, tmp_path: Path) -> None:
    assert ionto("plot", TREATMENT, "--output", "heel")[0] == 0
    assert (tmp_path / "heel.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "heel.svg").read_text(encoding="utf-8")
    assert ionto("plot", TREATMENT, "--output", "heel.pdf")[0] == Exit.USAGE
    assert ionto("report", TREATMENT, "--output", "heel.html")[0] == 0
    page = (tmp_path / "heel.html").read_text(encoding="utf-8")
    assert "SIMULATED HARDWARE" in page
    assert "Plantar fascial fibromatosis" in page
    assert "<script" not in page
    assert "src=" not in page
    code, _, complaint = ionto("report", TREATMENT, "--output", "nowhere/heel.html")
    assert (code, "I0904" in complaint) == (Exit.SOURCE, True)


def test_the_page_of_a_refuted_protocol_shows_its_counterexample(ionto: Ionto, tmp_path: Path) -> None:
    assert ionto("report", UNSAFE, "--output", "unsafe.html")[0] == 0
    page = (tmp_path / "unsafe.html").read_text(encoding="utf-8")
    assert "Why it is refused" in page
    assert "test &#34;" in page


def test_a_simulation_is_repeated_by_its_seed(ionto: Ionto) -> None:
    words = (
        "simulate",
        TREATMENT,
        "--set",
        "current=3 mA",
        "--at",
        "2 min pause",
        "--at",
        "3 min resume",
        "--json",
    )
    first = json.loads(ionto(*words, "--seed", "7")[1])
    assert first == json.loads(ionto(*words, "--seed", "7")[1])
    assert first != json.loads(ionto(*words, "--seed", "8")[1])
    assert (first["completed"], first["interruptions"], first["simulated"]) == (True, 1, True)
    assert first["true_pc"] <= first["upper_pc"]


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "current=9 mA"),
        ("--set", "current=2"),
        ("--set", "current=nan mA"),
        ("--set", "colour=red"),
        ("--set", "pacemaker=yes"),
        ("--at", "soon pause"),
        ("--at", "5 min dance"),
    ],
)
def test_a_value_or_an_event_that_cannot_be_is_refused(ionto: Ionto, words: tuple[str, str]) -> None:
    code, _, complaint = ionto("simulate", TREATMENT, *words)
    assert code in (Exit.SOURCE, Exit.USAGE)
    assert "error[I09" in complaint


def test_a_file_of_several_protocols_must_be_told_which(ionto: Ionto, tmp_path: Path) -> None:
    text = f"import {TREATMENT}\n" + "".join(
        f'protocol {name} version "1" extends plantar_fasciitis_dexamethasone {{ title "{name}" }}\n'
        for name in ("one", "two")
    )
    (tmp_path / "two.ionto").write_text(text, encoding="utf-8")
    code, _, complaint = ionto("plot", "two.ionto")
    assert (code, "I0905" in complaint) == (Exit.SOURCE, True)
    assert ionto("plot", "two.ionto", "--protocol", "one", "--output", "one.svg")[0] == 0


def test_a_journal_of_another_protocol_is_refused(ionto: Ionto, tmp_path: Path) -> None:
    (tmp_path / "no.journal").write_bytes(b"")
    code, _, complaint = ionto("report", TREATMENT, "--journal", "no.journal")
    assert (code, "I0910" in complaint) == (Exit.SOURCE, True)


def test_our_own_bugs_are_said_without_a_traceback(ionto: Ionto, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("for the test")

    monkeypatch.setattr("ionto_cli.commands.explain.run", broken)
    code, _, complaint = ionto("explain")
    assert (code, "I0001" in complaint) == (Exit.DISAGREEMENT, True)


TWO_CHANNELS = """electrode capsule { area 5 cm2 }
electrode pad { area 50 cm2 }
envelope limbs {
  title "Limbs"
  limit current <= 2.1 mA
  limit dose at cathode <= 2.3 mA.min per session
  limit interruptions <= 1
  limit pause <= 1 min
}
device bench {
  title "Bench" driver simulated current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V slew at most 1 mA/s tick 100 ms watchdog 500 ms host gap 250 ms waveforms dc
  channels 2 return shared
}
protocol both version "1.0.0" {
  title "Two sites"
  within limbs
  device bench
  active anode capsule on "forearm" channel upper
  active anode capsule on "calf" channel lower
  return cathode pad on "back"
  session { channel upper, lower { deliver 1 mA.min at 1 mA ramping 5 s } }
  test "both" { expect delivered = 2 mA.min expect finished }
  test "one lead" { at 10 s lead_off at 30 s resume expect finished }
}
"""


def test_several_channels_are_verified_tested_simulated_drawn_and_reported(
    ionto: Ionto, tmp_path: Path
) -> None:
    (tmp_path / "both.ionto").write_text(TWO_CHANNELS)
    assert ionto("verify", "both.ionto")[0] == 0
    assert ionto("test", "both.ionto")[0] == 0
    code, out, _ = ionto("simulate", "both.ionto", "--json")
    found = json.loads(out)
    assert code == 0 and found["completed"]
    assert [(item["name"], item["set_pc"], item["replayed"]) for item in found["channels"]] == [
        ("upper", 60_000_000_000, True),
        ("lower", 60_000_000_000, True),
    ]
    code, out, _ = ionto("simulate", "both.ionto", "--at", "10 s stop")
    assert code == 1 and "NOT COMPLETED: stopped" in out
    assert ionto("plot", "both.ionto", "-o", "both.svg")[0] == 0
    assert ionto("report", "both.ionto", "-o", "both.html")[0] == 0
    page = (tmp_path / "both.html").read_text()
    assert "carries the sum of the channels upper, lower" in page and "channel lower" in page
