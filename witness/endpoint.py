"""Which index the user installs from: the settings of uv and pip before the library's default."""

import configparser
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs


def default_endpoint(variables: Mapping[str, str] = os.environ) -> str:
    """The index's base URL, ending with a slash: of the environment, uv.toml, pip.conf, or pypi-simple's default.

    A setting that cannot be read is passed over, as uv and pip will complain about it themselves.
    """
    for url in _configured(variables):
        if url:
            return url.rstrip("/") + "/"
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT


def _configured(variables: Mapping[str, str]) -> Iterator[str]:
    for name in ("WHEELWITNESS_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        yield variables.get(name, "")
    for path in (platformdirs.user_config_path("uv") / "uv.toml", Path("/etc/uv/uv.toml")):
        yield _of_uv(path)
    pip = [Path(variables["PIP_CONFIG_FILE"])] if "PIP_CONFIG_FILE" in variables else []
    pip += [
        platformdirs.user_config_path("pip") / "pip.conf",
        Path.home() / ".pip/pip.conf",
        Path("/etc/pip.conf"),
    ]
    for path in pip:
        yield _of_pip(path)


def _of_uv(path: Path) -> str:
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    indexes = settings.get("index", [])
    for index in indexes if isinstance(indexes, list) else []:
        if isinstance(index, dict) and index.get("default") is True:
            return str(index.get("url", ""))
    return str(settings.get("index-url", ""))


def _of_pip(path: Path) -> str:
    settings = configparser.RawConfigParser()
    try:
        settings.read_string(path.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return ""
    return settings.get("global", "index-url", fallback="")
