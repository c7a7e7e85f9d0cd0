from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

# The tests start hundreds of programs; without caches, each would compile its libraries again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
OLDEST_PYTHON, *_ = nox.project.python_versions(PYPROJECT)
ALL_EXTRAS = "[parquet,progress,s3,sandbox]"
# Editable, because uv would otherwise install the wheel that it built of an earlier state.
TAP_WITH_SANDBOX = ("--editable", ".[sandbox]")
TAP_WITH_ALL = ("--editable", f".{ALL_EXTRAS}")
# The tests often wait for programs and servers: one worker more than there are cores.
IN_PARALLEL = (f"--numprocesses={(os.cpu_count() or 1) + 1}", "--dist=worksteal")


def group(name: str) -> list[str]:
    """Return the requirements of one dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style, and which module imports which."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports", env={"PYTHONPATH": str(ROOT)})
    session.run("zizmor", "--offline", "--persona=auditor", "--quiet", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install(*TAP_WITH_ALL, *group("types"))
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after -- go to pytest."""
    session.install(*TAP_WITH_ALL, *group("tests"))
    coverage = ["--cov", "--cov-report=term"]
    if session.posargs:
        coverage.append("--cov-fail-under=0")  # some of the tests cover some of the code
    session.run("pytest", *IN_PARALLEL, *coverage, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Run the tests with the wheel in `dist`, in a folder that has all but the source."""
    built = [*(ROOT / "dist").glob("*.whl")]
    if len(built) != 1:
        session.error("There must be one wheel in dist: build it with `nox -s package`")
    session.install(f"tap-crewmojo{ALL_EXTRAS} @ {built[0].as_uri()}", *group("tests"))
    left_out = shutil.ignore_patterns("tap_crewmojo", "dist", ".git", ".nox", ".venv", ".*_cache")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copytree(ROOT, folder, ignore=left_out, dirs_exist_ok=True)
        with session.chdir(folder):
            session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session(python=OLDEST_PYTHON)
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    session.install("--resolution=lowest-direct", *TAP_WITH_ALL, *group("tests"))
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """Run the tests with the newest SDK, whatever pyproject.toml allows."""
    session.install(*TAP_WITH_ALL, *group("tests"))
    session.install(
        "--upgrade-package=singer-sdk", "singer-sdk"
    )  # alone: the tap's bound does not apply
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the longer checks, with the programs around the tap; arguments go to pytest."""
    session.install(*TAP_WITH_ALL, *group("tests"), *group("demo"), *group("notebooks"))
    session.run("pytest", *IN_PARALLEL, *(session.posargs or ["tests/e2e"]))


@nox.session
def generate(session: nox.Session) -> None:
    """Make all generated texts: settings, install address and benchmarks, for docs and Meltano."""
    session.install(*TAP_WITH_SANDBOX, *group("generate"))
    session.run("python", "scripts/generate.py")


@nox.session
def demo(session: nox.Session) -> None:
    """Load made-up data from the sandbox into files and look at them."""
    session.install(*TAP_WITH_SANDBOX, *group("demo"))
    session.run("python", "demo/demo.py", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the distributions, check them, and use each where nothing else is installed."""
    session.install(*group("package"))
    session.run("uv", "build", "--clear", "--out-dir", "dist")
    wheel, sdist = (str(*(ROOT / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    session.run("twine", "check", "--strict", wheel, sdist)
    session.run("check-wheel-contents", wheel)
    session.run("pytest", "--noconftest", *(session.posargs or ["tests/package"]))


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure the tap against its peers; see tests/benchmarks/run.py for arguments after --."""
    session.install(*group("uv"))  # the subjects get separate environments
    session.chdir("tests")
    session.run("python", "-m", "benchmarks", *session.posargs)
