"""Texts made from settings, install address and benchmarks: run as `nox -s generate`."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from singer_sdk.about import AboutFormatter

from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
ABOUT = TapCrewmojo._get_about_info()
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MELTANO_MARK = "# settings: made by `nox -s generate`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the tap is installed from.

    Attributes:
        remark: a sentence for the reader.
        folder: where the commands run.
        tap: the address for pip, pipx, uv and Meltano's `pip_url`.
        with_extras: the same with extras.
        definition: the place of `plugin.yml` for `meltano add`.
    """

    remark: str
    folder: str
    tap: str
    with_extras: str
    definition: str


CLONE = Address(
    remark="The tap is not on a package index yet: install it from a clone of this repository, by "
    "its path. Here this is `../tap-crewmojo`, a clone beside your folder.",
    folder="beside the clone",
    tap="../tap-crewmojo",
    with_extras="../tap-crewmojo[parquet,s3]",
    definition="../tap-crewmojo/plugin.yml",
)
INDEX = Address(
    remark="Install the tap by its name.",
    folder="anywhere",
    tap="tap-crewmojo",
    with_extras="tap-crewmojo[parquet,s3]",
    definition=f"{URLS['Source']}/raw/main/plugin.yml",
)
ADDRESS = CLONE
"""The one place to change when the tap is published."""

# Meltano's kinds by JSON type, the most specific first.
_KINDS = {
    "array": "array",
    "object": "object",
    "string": "string",
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
}
_ABBREVIATIONS = {"csv", "json", "jsonl"}


def generated(address: Address = ADDRESS) -> dict[str, str]:
    """Return the text of each generated file, and of each file with generated parts."""
    meltano = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    parts = {
        "settings": _table(),
        "install": _install(address),
        "meltano add": _meltano_add(address),
        "sandbox": _sandbox(address),
        "pip install": _shell({f"pip install '{address.tap}[parquet]'": address.folder}),
        "benchmarks": _benchmarks(),
    }
    return {
        **{page.relative_to(ROOT).as_posix(): _with_parts(page, parts) for page in PAGES},
        "plugin.yml": _plugin(address),
        ".env.example": _environment(),
        "meltano.yml": _with_part(
            meltano, MELTANO_MARK, textwrap.indent(f"\n{_yaml(extractor())}", "    ") + "    "
        ),
    }


def extractor() -> dict[str, Any]:
    """Return the tap's capabilities and settings, as Meltano defines them."""
    return {
        "capabilities": sorted(str(name) for name in ABOUT.capabilities),
        "commands": {
            "probe": {
                "args": "--config=ENV",
                "description": "Find out how Crewmojo's API responds to this account",
                "executable": "tap-crewmojo-probe",
            }
        },
        "settings_group_validation": [SETTINGS["required"]],
        "settings": list(_settings(ABOUT.settings["properties"])),
    }


def _install(address: Address) -> str:
    """Return the commands that install the tap, and its address with extras."""
    commands = {
        "mkdir crewmojo && cd crewmojo": address.folder,
        f"pipx install {address.tap}": f"or `uv tool install {address.tap}`",
        "pipx install target-jsonl": "",
    }
    remark = textwrap.fill(address.remark, 104, break_on_hyphens=False)
    extras = f"With extras, the address is `'{address.with_extras}'`."
    return f"{remark}\n\n{_shell(commands)}\n\n{extras}"


def _meltano_add(address: Address) -> str:
    """Return the commands that add the tap to a Meltano project."""
    return _shell(
        {
            "meltano init warehouse && cd warehouse": f"{address.folder}, if you have no project",
            f"meltano add tap-crewmojo --from-ref {address.definition}": "",
        }
    )


def _sandbox(address: Address) -> str:
    """Return the commands that install and use a sandbox."""
    return _shell(
        {
            f"pipx install --force '{address.tap}[sandbox]'": address.folder,
            "tap-crewmojo-sandbox --time-scale 0.01": "paste its output into another shell",
            "tap-crewmojo --config=ENV | target-jsonl": "",
        }
    )


def _shell(commands: Mapping[str, str]) -> str:
    """Return a shell block of commands with remarks."""
    width = max(len(command) for command, remark in commands.items() if remark)
    lines = [
        f"{command:{width}}    # {remark}" if remark else command
        for command, remark in commands.items()
    ]
    return "\n".join(["```sh", *lines, "```"])


def _plugin(address: Address) -> str:
    """Return the definition for Meltano Hub, which requires sorted keys and lists.

    https://github.com/meltano/hub/blob/main/schemas/plugin_definitions/extractors.schema.json
    """
    known = extractor()
    repository = URLS["Source"]
    definition = {
        **known,
        "settings_group_validation": [sorted(SETTINGS["required"])],
        "settings": sorted(known["settings"], key=lambda setting: str(setting["name"])),
        "name": TapCrewmojo.name,
        "namespace": TapCrewmojo.name.replace("-", "_"),
        "variant": repository.split("/")[-2],
        "label": "Crewmojo",
        "description": "Performance, objectives and 1:1s: your company's reports",
        "executable": TapCrewmojo.name,
        "pip_url": address.tap,
        "repo": repository,
        "docs": URLS["Documentation"],
        "domain_url": "https://crewmojo.com",
        "keywords": ["api", "meltano_sdk"],
        "log_parser": "singer-sdk",
        "maintenance_status": "beta",
        "quality": "unknown",  # required; Meltano Hub replaces it
        "supported_python_versions": ABOUT.supported_python_versions,
    }
    return "# Made by `nox -s generate`\n" + _yaml(definition, sort_keys=True)


def _settings(properties: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield each setting as Meltano defines it; one within an object has a dotted name."""
    for name, setting in properties.items():
        names_are_free = isinstance(setting.get("additionalProperties"), dict)
        if setting.get("properties") and not names_are_free:
            yield from _settings(setting["properties"], f"{prefix}{name}.")
            continue
        choices = {"options": [_option(value) for value in setting.get("enum", ())]}
        yield {
            "name": f"{prefix}{name}",
            "label": setting["title"],
            "kind": _kind(name, setting),
            **({"sensitive": True} if setting.get("secret") else {}),
            **({"value": setting["default"]} if "default" in setting else {}),
            **(choices if choices["options"] else {}),
            "description": setting["description"],
        }


def _kind(name: str, setting: Mapping[str, Any]) -> str:
    if "enum" in setting:
        return "options"
    if name.endswith("_date"):
        return "date_iso8601"
    types: set[str] = set()
    for variant in setting.get("oneOf") or setting.get("allOf") or [setting]:
        types |= {variant["type"]} if isinstance(variant["type"], str) else set(variant["type"])
    return next(kind for type_, kind in _KINDS.items() if type_ in types)


def _option(value: str) -> dict[str, str]:
    label = value.upper() if value in _ABBREVIATIONS else value.capitalize()
    return {"label": label, "value": value}


def _environment() -> str:
    """Return the tap's own settings as variables, commented out unless the tap needs them."""
    head = (
        "The settings as variables; made by `nox -s generate`. Copy this file to .env and edit it: "
        "Meltano reads it, and in a shell `set -a; . ./.env` makes `tap-crewmojo --config=ENV` "
        "read it. docs/settings.md also lists the SDK's settings."
    )
    return "\n\n".join([_comment(head), *map(_variable, SETTINGS["properties"])]) + "\n"


def _variable(name: str) -> str:
    setting = SETTINGS["properties"][name]
    value = setting.get("default", next(iter(setting.get("examples", [""]))))
    text = value if isinstance(value, str) else json.dumps(value)
    line = f"TAP_CREWMOJO_{name.upper()}=" + (f"'{text}'" if '"' in text else text)
    is_needed = name in (*SETTINGS["required"], "start_date")  # by the example of `reports`
    return f"{_comment(setting['description'])}\n{'' if is_needed else '#'}{line}"


def _comment(text: str) -> str:
    return textwrap.fill(
        text, 98, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _table() -> str:
    about = AboutFormatter.get_formatter("markdown").format_about(ABOUT)
    return "\n".join(line for line in about.splitlines() if line.startswith("|"))


def _benchmarks() -> str:
    """Return the main results of the benchmarks, for the page about performance."""
    page = (ROOT / "tests/benchmarks/results.md").read_text(encoding="utf-8")
    head, *sections = page.replace("](results.", "](../tests/benchmarks/results.").split("\n## ")
    tables = [text for text in sections if re.match("[0-9,]+ rows of|Waiting|Nightly", text)]
    return "\n### ".join([head.removeprefix("# Benchmarks\n"), *tables]).rstrip()


def _yaml(content: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    return yaml.safe_dump(dict(content), sort_keys=sort_keys, allow_unicode=True, width=92)


def _with_parts(page: Path, parts: Mapping[str, str]) -> str:
    """Return the text of a page with its generated parts replaced."""
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        mark = f"<!-- {name} -->"
        if mark in text:
            text = _with_part(text, mark, f"\n{part}\n")
    return text


def _with_part(text: str, mark: str, part: str) -> str:
    """Return a text with the part between two marks replaced."""
    before, _, after = text.split(mark)
    return f"{before}{mark}{part}{mark}{after}"


if __name__ == "__main__":
    for name, text in generated().items():
        (ROOT / name).write_text(text, encoding="utf-8")
