"""What others read about the settings and the address: run as `nox -s generate`."""

from __future__ import annotations

import json
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

MELTANO_MARK = "# settings: made by `nox -s generate`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the tap is installed from.

    Attributes:
        remark: what a reader needs to know about it.
        folder: where to run the commands.
        tap: for pip, pipx, uv and Meltano's `pip_url`.
        with_extras: the same with extras.
        of_a_tag: the same for one version.
        definition: where `meltano add` finds `plugin.yml`.
    """

    remark: str
    folder: str
    tap: str
    with_extras: str
    of_a_tag: str
    definition: str


CLONE = Address(
    remark="The tap is on no package index yet: it is installed from a clone of this repository, "
    "by its path. Here that is `../tap-crewmojo`, a clone beside the folder that you work in.",
    folder="beside the clone",
    tap="../tap-crewmojo",
    with_extras="../tap-crewmojo[parquet,s3]",
    of_a_tag="tap-crewmojo[parquet]@git+file:///path/to/tap-crewmojo@v0.1.0",
    definition="../tap-crewmojo/plugin.yml",
)
INDEX = Address(
    remark="The tap is installed by its name.",
    folder="anywhere",
    tap="tap-crewmojo",
    with_extras="tap-crewmojo[parquet,s3]",
    of_a_tag="tap-crewmojo[parquet]==0.1.0",
    definition=f"{URLS['Source']}/raw/main/plugin.yml",
)
ADDRESS = CLONE
"""The one place to change when the tap is published."""

# Meltano's kinds by JSON type, the most telling first.
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
    """Return the text of each file that is made from settings and address, or in part."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    meltano = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    for name, part in {
        "settings": _table(),
        "install": _install(address),
        "meltano add": _meltano_add(address),
        "sandbox": _sandbox(address),
        "pip install": _shell({f"pip install {address.tap}": address.folder}),
    }.items():
        readme = _with_part(readme, f"<!-- {name} -->", f"\n{part}\n")
    return {
        "plugin.yml": _plugin(address),
        ".env.example": _environment(),
        "README.md": readme,
        "meltano.yml": _with_part(
            meltano, MELTANO_MARK, textwrap.indent(f"\n{_yaml(extractor())}", "    ") + "    "
        ),
    }


def extractor() -> dict[str, Any]:
    """Return what Meltano needs to know of the tap's abilities and settings."""
    return {
        "capabilities": sorted(str(name) for name in ABOUT.capabilities),
        "settings_group_validation": [SETTINGS["required"]],
        "settings": list(_settings(ABOUT.settings["properties"])),
    }


def _install(address: Address) -> str:
    """Return how the tap is installed: in a shell, and what else stands for its address."""
    commands = {
        "mkdir crewmojo && cd crewmojo": address.folder,
        f"pipx install {address.tap}": f"`uv tool install {address.tap}` does as well",
        "pipx install target-jsonl": "",
    }
    others = {
        address.with_extras: "the tap with extras",
        address.of_a_tag: "one version, by its tag; with an extra",
    }
    rows = [f"| `{text}` | {meaning} |" for text, meaning in others.items()]
    remark = textwrap.fill(address.remark, 104, break_on_hyphens=False)
    return "\n".join(
        [
            remark,
            "",
            _shell(commands),
            "",
            f"| instead of `{address.tap}` | what it installs |",
            "|---|---|",
            *rows,
        ]
    )


def _meltano_add(address: Address) -> str:
    """Return how the tap gets into a Meltano project."""
    return _shell(
        {
            "meltano init warehouse && cd warehouse": f"{address.folder}, if you have no project",
            f"meltano add tap-crewmojo --from-ref {address.definition}": "",
        }
    )


def _sandbox(address: Address) -> str:
    """Return how a sandbox is installed and used."""
    return _shell(
        {
            f"pipx install --force '{address.tap}[sandbox]'": address.folder,
            "tap-crewmojo-sandbox --time-scale 0.01": "and paste what it prints into another shell",
            "tap-crewmojo --config=ENV": "",
        }
    )


def _shell(commands: Mapping[str, str]) -> str:
    """Return a block of commands with remarks."""
    width = max(len(command) for command, remark in commands.items() if remark)
    lines = [
        f"{command:{width}}    # {remark}" if remark else command
        for command, remark in commands.items()
    ]
    return "\n".join(["```sh", *lines, "```"])


def _plugin(address: Address) -> str:
    """Return the definition for Meltano Hub, which wants keys and lists sorted.

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
        "quality": "unknown",  # the Hub's to say, but a definition has to say something
        "supported_python_versions": ABOUT.supported_python_versions,
    }
    return "# Made by `nox -s generate`\n" + _yaml(definition, sort_keys=True)


def _settings(properties: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield each setting as Meltano wants it; one within an object has a dotted name."""
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
    for variant in setting.get("oneOf", [setting]):
        types |= {variant["type"]} if isinstance(variant["type"], str) else set(variant["type"])
    return next(kind for type_, kind in _KINDS.items() if type_ in types)


def _option(value: str) -> dict[str, str]:
    label = value.upper() if value in _ABBREVIATIONS else value.capitalize()
    return {"label": label, "value": value}


def _environment() -> str:
    """Return the tap's own settings as variables: those that it needs, and the others commented."""
    head = (
        "The settings as variables; made by `nox -s generate`. Copy this to .env and fill it in: "
        "Meltano reads it, and in a shell `set -a; . ./.env` makes `tap-crewmojo --config=ENV` "
        "read it. The README's table has the SDK's settings as well."
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


def _yaml(content: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    return yaml.safe_dump(dict(content), sort_keys=sort_keys, allow_unicode=True, width=92)


def _with_part(text: str, mark: str, part: str) -> str:
    """Return a text with what stands between two marks replaced."""
    before, _, after = text.split(mark)
    return f"{before}{mark}{part}{mark}{after}"


if __name__ == "__main__":
    for name, text in generated().items():
        (ROOT / name).write_text(text, encoding="utf-8")
