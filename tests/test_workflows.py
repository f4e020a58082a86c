"""What runs elsewhere: workflows follow GitHub's schema and call the README's commands; hooks run the checks."""

import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from run_all import CHECKS
from test_repository import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))


def check(schema, *paths):
    """Return what check-jsonschema, which carries the schemas, says of files."""
    call = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, paths)]
    return subprocess.run(call, capture_output=True, text=True)


def steps_of(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def commands_of(path):
    return [line.strip() for step in steps_of(path) for line in step.get("run", "").splitlines()]


def test_workflows_follow_the_schema():
    done = check("github-workflows", *WORKFLOWS)
    assert len(WORKFLOWS) == 2 and done.returncode == 0, done.stdout


def test_a_fault_in_a_workflow_is_found(tmp_path):
    path = tmp_path / "faulty.yml"
    path.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on", "runs_on"))
    assert check("github-workflows", path).returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_they_call_the_commands_of_the_readme(path):
    commands = commands_of(path)
    assert commands and [command for command in commands if command not in README] == []


def test_all_checks_run_on_three_systems_and_all_versions_of_python():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"].values()
    runs = job["strategy"]["matrix"]["include"]
    assert {run["os"].partition("-")[0] for run in runs} == {"ubuntu", "macos", "windows"}
    assert {run["python"] for run in runs} == {"3.11", "3.12", "3.13"}
    assert all(run["python"] in SpecifierSet(PYTHON) for run in runs)
    assert {"make test", r".venv\Scripts\python tests/run_all.py"} <= {
        *commands_of(ROOT / ".github/workflows/test.yml")
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_more_is_permitted_than_needed(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    checkouts = [step for step in steps_of(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert all(step["uses"].startswith("actions/") for step in steps_of(path) if "uses" in step)


def test_hooks_run_the_checks_of_the_tests():
    ((hook,),) = (repository["hooks"] for repository in HOOKS["repos"])
    assert "tests/run_all.py lint format types" in hook["entry"] and {"lint", "format", "types"} <= CHECKS.keys()
    assert HOOKS["repos"][0]["repo"] == "local", "versions of their own could differ from those of the checks"


def test_checks_may_be_chosen_by_name():
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "run_all.py", "lint", "no check"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "got no check" in done.stderr
