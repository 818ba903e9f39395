"""The wheel as it was installed into CSL_WHEEL_PYTHON's environment: the command, the module, the types."""

import json
import os
import subprocess
from pathlib import Path

import pytest

PYTHON = Path(os.environ["CSL_WHEEL_PYTHON"])
PROGRAM = PYTHON.parent / "csl-stream"


def ran(*words, cwd, env=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CSL_", "PYTHON"))}
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=120
    )


def python(code, cwd):
    """What a program that imports the module prints, as JSON."""
    ended = ran(PYTHON, "-c", code, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture
def demo(tmp_path):
    ended = ran(PROGRAM, "demo", "--dir", ".", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    return tmp_path


def test_the_demo_runs(tmp_path):
    assert ran(PROGRAM, "demo", cwd=tmp_path).returncode == 0
    assert (tmp_path / "csl-demo/warehouse/signatures").is_dir()


@pytest.mark.parametrize("words", [["--version"], ["cost", "1GB"], ["backfill"], ["config", "--json"]])
def test_python_m_is_the_program(words, tmp_path):
    direct, through = ran(PROGRAM, *words, cwd=tmp_path), ran(PYTHON, "-m", "csl_stream", *words, cwd=tmp_path)
    assert (through.returncode, through.stdout, through.stderr) == (direct.returncode, direct.stdout, direct.stderr)


LOAD = "csl_stream.backfill('signatures', exports='exports/demo-org', schema='schema.json', to='w')"


def test_a_load_gives_its_report_back(demo):
    report = python(f"import csl_stream, json; print(json.dumps({LOAD}))", demo)
    assert (report["table"], report["status"], report["rows"]["loaded"]) == ("signatures", "succeeded", 20000)
    assert report["error"] is None


def test_a_conversion_gives_reports_back(demo):
    export = next((demo / "exports").rglob("*.csv")).relative_to(demo)
    code = f"""
import csl_stream, json, pathlib
reports = csl_stream.convert("signatures", [pathlib.Path({str(export)!r})], "parquet", schema="schema.json")
print(json.dumps(reports))
"""
    (report,) = python(code, demo)
    assert report["rows"]["accepted"] == 20000 and (demo / "parquet").is_dir()


def test_every_field_of_a_report_has_a_type(demo):
    code = f"""
import csl_stream, json, typing
def lacking(typed, value, at):
    hints = typing.get_type_hints(typed)
    for name, inner in value.items():
        if name not in hints:
            yield at + name
            continue
        hint = hints[name]
        if isinstance(inner, dict) and typing.is_typeddict(hint):
            yield from lacking(hint, inner, at + name + ".")
        one = typing.get_args(hint)[:1]
        if isinstance(inner, list) and one and typing.is_typeddict(one[0]):
            for element in inner:
                yield from lacking(one[0], element, at + name + "[].")
print(json.dumps(sorted(set(lacking(csl_stream.Report, {LOAD}, "")))))
"""
    assert python(code, demo) == []


def test_a_failure_is_the_programs_own(demo):
    export = next((demo / "exports").rglob("*.csv"))
    lines = export.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("2026-02-01", "infinity", 1)
    export.write_text("".join(lines))
    code = f"""
import csl_stream, json
try:
    {LOAD}
except csl_stream.Failed as failed:
    print(json.dumps([failed.exit_code, failed.message, failed.documents, failed.is_transient]))
"""
    exit_code, message, documents, is_transient = python(code, demo)
    assert (exit_code, is_transient) == (5, False)
    assert message.startswith("error: ") and "help: " in message
    assert [report["status"] for report in documents] == ["failed"]


def test_what_is_installed_elsewhere_is_found(tmp_path):
    """Beside the program of the environment there is none of a folder that pip --target made."""
    code = "import csl_stream, json; print(json.dumps(csl_stream.find_program()))"
    assert Path(python(code, tmp_path)).samefile(PROGRAM)
    site = Path(python("import csl_stream, json; print(json.dumps(csl_stream.__file__))", tmp_path)).parents[1]
    target = tmp_path / "target"
    for name in ("csl_stream", "bin"):
        (target / name).mkdir(parents=True)
    for file in (site / "csl_stream").glob("*.py"):
        (target / "csl_stream" / file.name).write_bytes(file.read_bytes())
    other = ran("python3", "-c", code, cwd=tmp_path, env={"PYTHONPATH": str(target)})
    assert other.returncode == 1 and "FileNotFoundError" in other.stderr, other.stdout
    (target / "bin/csl-stream").symlink_to(PROGRAM)
    other = ran("python3", "-c", code, cwd=tmp_path, env={"PYTHONPATH": str(target)})
    assert json.loads(other.stdout) == str(target / "bin/csl-stream"), other.stderr


def test_the_wheel_says_what_it_is(tmp_path):
    code = """
import csl_stream, importlib.metadata, json, pathlib
found = importlib.metadata.distribution("csl-stream")
marker = pathlib.Path(csl_stream.__file__).with_name("py.typed").exists()
print(json.dumps([found.version, marker, sorted(file.name for file in found.files or []), list(found.requires or [])]))
"""
    version, is_typed, files, requires = python(code, tmp_path)
    assert version in ran(PROGRAM, "--version", cwd=tmp_path).stdout
    assert is_typed and requires == []
    assert {"LICENSE", "NOTICE", "csl-stream", "METADATA"} <= set(files)
