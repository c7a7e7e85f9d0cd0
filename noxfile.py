from __future__ import annotations

from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
# Editable, because uv would otherwise install the wheel that it built of an earlier state.
TAP_WITH_SANDBOX = ("--editable", ".[sandbox]")
TAP_WITH_ALL = ("--editable", ".[parquet,s3,sandbox]")


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
    parallel = ["--numprocesses=logical", "--dist=worksteal"]
    session.run("pytest", *parallel, *coverage, *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the longer checks, with the programs around the tap; arguments go to pytest."""
    session.install(*TAP_WITH_ALL, *group("tests"), *group("demo"))
    session.run("pytest", "--numprocesses=logical", *(session.posargs or ["tests/e2e"]))


@nox.session
def generate(session: nox.Session) -> None:
    """Make what is derived from the settings: for Meltano and its Hub, the README, the shell."""
    session.install(*TAP_WITH_SANDBOX, "PyYAML>=6.0.2")
    session.run("python", "tests/derived.py")


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
    session.install("uv>=0.9")  # all else goes into environments of its own
    session.chdir("tests")
    session.run("python", "-m", "benchmarks", *session.posargs)
