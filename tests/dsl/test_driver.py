"""The door of the front end: files, imports, devices, and input that is no protocol at all."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

from ionto_dsl import driver
from ionto_dsl.driver import Disk, Memory, compile_file, compile_text
from ionto_ir.plan import Ramp
from tests.architecture.tree import ROOT
from tests.dsl.bench_protocol import protocol

DELIVER = "session { deliver 10 mA.min at 2 mA ramping 30 s }"
GOOD = protocol(DELIVER)


def _codes(name: str, files: dict[str, str], device: str | None = None) -> list[str]:
    compilation = compile_file(name, device, folder=Memory(files))
    return [diagnostic.code for diagnostic in compilation.diagnostics]


def test_the_tool_that_a_plan_names_is_the_installed_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"ionto {project['version']}" == driver.TOOL
    assert compile_text(GOOD).plans[0].plan.tool == driver.TOOL


def test_a_file_that_does_not_exist_is_named_with_its_nearest_neighbour() -> None:
    compilation = compile_file("heel.ionto", folder=Memory({"heal.ionto": GOOD}))
    (diagnostic,) = compilation.diagnostics
    assert diagnostic.code == "I0211" and "no such file" in diagnostic.message
    assert diagnostic.help == "did you mean `heal.ionto`?"
    assert not compilation.ok and compilation.plans == ()


def test_a_shipped_declaration_can_be_compiled_by_its_dotted_name(tmp_path: Path) -> None:
    compilation = compile_file("treatments.sweat_test_pilocarpine", folder=Disk(str(tmp_path)))
    assert compilation.ok and compilation.protocols == ("sweat_test_pilocarpine",)
    assert _codes("treatments.nothing_like_it", {}) == ["I0211"]


def test_files_on_disk_are_read_beside_the_one_that_imports(tmp_path: Path) -> None:
    (tmp_path / "drugs").mkdir()
    (tmp_path / "drugs" / "acetate.ionto").write_text("drug acetate { ion -1 }\n", encoding="utf-8")
    text = "import drugs.acetate\n" + GOOD.replace('on "heel"', 'on "heel" with acetate 1 mL')
    (tmp_path / "heel.ionto").write_text(text, encoding="utf-8")
    compilation = compile_file(str(tmp_path / "heel.ionto"))
    assert compilation.ok, compilation.diagnostics
    names = [Path(file.file).name for file in compilation.plans[0].plan.files]
    assert names == ["heel.ionto", "acetate.ionto"]
    assert compilation.plans[0].plan.files[1].file.endswith("drugs/acetate.ionto")
    assert "ionto_protocols" not in compilation.plans[0].plan.files[1].file


def test_what_is_not_beside_the_file_comes_from_the_library() -> None:
    text = "import drugs.acetate\n" + GOOD.replace('on "heel"', 'on "heel" with acetate 1 mL')
    compilation = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}))
    assert [file.name for file in compilation.files] == ["heel.ionto", "ionto_protocols/drugs/acetate.ionto"]


def test_a_plan_names_every_file_with_its_digest() -> None:
    compilation = compile_file("heel.ionto", folder=Memory({"heel.ionto": GOOD}))
    (digest,) = compilation.plans[0].plan.files
    assert (digest.file, digest.sha256) == ("heel.ionto", compilation.files[0].digest())


def test_folders_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.ionto").mkdir()
    assert [d.code for d in compile_file(str(tmp_path / "folder.ionto")).diagnostics] == ["I0211"]
    (tmp_path / "image.ionto").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert [d.code for d in compile_file(str(tmp_path / "image.ionto")).diagnostics] == ["I0108"]
    assert [d.code for d in compile_file("a\0b.ionto").diagnostics] == ["I0211"]


def test_a_file_larger_than_any_source_is_not_even_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.ionto"
    with huge.open("wb") as file:
        file.truncate(driver.BYTES_MAX + 1)
    (diagnostic,) = compile_file(str(huge)).diagnostics
    assert diagnostic.code == "I0211" and "larger" in diagnostic.message


def test_a_million_lines_are_refused_at_once() -> None:
    began = time.process_time()
    assert _codes("long.ionto", {"long.ionto": "#\n" * 1_000_000}) == ["I0109"]
    assert time.process_time() - began < 2


def test_an_empty_file_has_nothing_wrong_and_nothing_to_run() -> None:
    compilation = compile_text("")
    assert compilation.ok and compilation.plans == () and compilation.protocols == ()


def test_imports_of_imports_in_a_circle_are_reported_where_the_circle_closes() -> None:
    files = {
        "a.ionto": "import b\nelectrode a { area 1 cm2 }\n",
        "b.ionto": "import c\nelectrode b { area 1 cm2 }\n",
        "c.ionto": "import a\nelectrode c { area 1 cm2 }\n",
    }
    compilation = compile_file("a.ionto", folder=Memory(files))
    circle = [diagnostic for diagnostic in compilation.diagnostics if diagnostic.code == "I0205"]
    assert len(circle) == 1
    assert circle[0].primary is not None and circle[0].primary.span.file == "c.ionto"
    assert {label.span.file for label in circle[0].labels} == {"a.ionto", "b.ionto"}


def test_two_ways_to_one_file_are_no_circle() -> None:
    files = {
        "a.ionto": "import b\nimport c\n" + GOOD,
        "b.ionto": "import d\nelectrode b { area 1 cm2 }\n",
        "c.ionto": "import d\nelectrode c { area 1 cm2 }\n",
        "d.ionto": "electrode d { area 1 cm2 }\n",
    }
    assert "I0205" not in _codes("a.ionto", files)
    assert len(compile_file("a.ionto", folder=Memory(files)).files) == 4


def test_a_chain_of_too_many_files_is_cut_off() -> None:
    count = driver.FILES_MAX + 20
    files = {f"f{i}.ionto": f"import f{i + 1}\nelectrode f{i} {{ area 1 cm2 }}\n" for i in range(count)}
    assert "I0461" in _codes("f0.ionto", files)


def test_a_device_may_be_named_by_the_caller() -> None:
    text = GOOD.replace("  device bench\n", "")
    inline = compile_file("heel.ionto", "bench", folder=Memory({"heel.ionto": text}))
    assert [plan.plan.device.name for plan in inline.plans] == ["bench"] and inline.plans[0].device_named
    shipped = compile_file("heel.ionto", "clinic_dc_4ma", folder=Memory({"heel.ionto": text}))
    assert [plan.plan.device.name for plan in shipped.plans] == ["clinic_dc_4ma"]
    assert shipped.plans[0].plan.files[-1].file == "ionto_protocols/devices/clinic_dc_4ma.ionto"


def test_an_unknown_device_is_named_with_its_nearest_neighbour() -> None:
    text = GOOD.replace("  device bench\n", "")
    compilation = compile_file("heel.ionto", "clinic_dc_4m", folder=Memory({"heel.ionto": text}))
    (diagnostic,) = compilation.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("I0201", "did you mean `clinic_dc_4ma`?")


def test_a_protocol_that_names_its_device_is_not_for_another_one() -> None:
    assert _codes("heel.ionto", {"heel.ionto": GOOD}, "clinic_dc_4ma") == ["I0423"]
    assert _codes("heel.ionto", {"heel.ionto": GOOD}, "bench") == []


def test_without_a_device_every_fitting_one_of_the_library_is_taken_and_the_others_say_why() -> None:
    text = protocol("session { deliver 10 mA.min at 3 mA ramping 30 s }").replace("  device bench\n", "")
    compilation = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}))
    fitting = [plan.plan.device.name for plan in compilation.plans]
    assert {"clinic_dc_4ma", "water_bath_dc_30ma"} <= set(fitting) and fitting == sorted(fitting)
    assert not any(plan.device_named for plan in compilation.plans)
    reasons = {misfit.device: misfit.reason for misfit in compilation.misfits}
    assert not reasons.keys() & set(fitting) and "at most 2 mA" in reasons["sweat_inducer_dc_2ma"]


def test_a_device_whose_steps_do_not_fit_is_left_out() -> None:
    text = protocol("session { deliver 10 mA.min at 1.55 mA ramping 30 s }").replace("  device bench\n", "")
    compilation = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}))
    assert {"clinic_dc_4ma", "sweat_inducer_dc_2ma"} <= {plan.plan.device.name for plan in compilation.plans}
    assert "water_bath_dc_30ma" in {misfit.device for misfit in compilation.misfits}


def test_a_file_may_hold_several_protocols_and_one_can_be_picked() -> None:
    text = GOOD + 'protocol other version "2.0.0" extends example { stop at 0.2 mA/s }\n'
    both = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}))
    assert [plan.name for plan in both.plans] == ["example", "other"] == list(both.protocols)
    one = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}), protocol="other")
    assert [plan.plan.version for plan in one.plans] == ["2.0.0"]
    none = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}), protocol="othr")
    assert [(d.code, d.help) for d in none.diagnostics] == [("I0201", "did you mean `other`?")]


def test_declarations_that_nobody_uses_are_checked_too() -> None:
    assert _codes("tools.ionto", {"tools.ionto": "electrode big { area 3 mA }\n"}) == ["I0304"]
    assert _codes("tools.ionto", {"tools.ionto": "electrode big { area 3 cm2 }\n"}) == []


def test_a_protocol_of_a_thousand_steps_compiles_without_a_noticeable_wait() -> None:
    steps = "ramp to current over 30 s hold for 10 s ramp to 1 mA at 0.1 mA/s ramp to 0 mA over 30 s\n" * 250
    text = protocol(f"param current: 2 mA .. 3 mA = 2 mA step 0.1 mA\nsession {{ {steps} }}")
    compile_text(GOOD)  # reads the tables of the parser
    began = time.process_time()
    compilation = compile_text(text)
    taken = time.process_time() - began
    assert compilation.ok and len(compilation.plans[0].plan.steps) == 1001
    assert sum(isinstance(step, Ramp) for step in compilation.plans[0].plan.steps) == 750
    assert taken < 1.5, "half a second of a processor, three times that on a shared one"


def test_a_device_that_is_imported_for_the_caller_to_name_is_used() -> None:
    text = "import devices.clinic_dc_4ma\n" + GOOD.replace("  device bench\n", "")
    assert _codes("heel.ionto", {"heel.ionto": text}, "clinic_dc_4ma") == []
    assert _codes("heel.ionto", {"heel.ionto": text}, "sweat_inducer_dc_2ma") == ["I0501"]
