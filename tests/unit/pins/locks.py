"""Small lock files, one of each format, of one wheel of `demo` 1.0, and what they are made of."""

import json

A, B, C = "a" * 64, "b" * 64, "c" * 64
INDEX, FILES = "https://index.example/simple", "https://files.example/packages"
PUBLIC = (INDEX, "https://files.example")
WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"
LINUX = "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
WINDOWS = "demo-1.0-cp312-cp312-win_amd64.whl"


def uv(files=None, *, source=f'registry = "{INDEX}"', head="version = 1\nrevision = 3\n", more=""):
    given = [(WHEEL, A)] if files is None else files
    wheels = "".join(
        f'    {{ url = "{FILES}/{name}", hash = "sha256:{digest}" }},\n'
        for name, digest in given
        if name.endswith(".whl")
    )
    sdists = [(name, digest) for name, digest in given if not name.endswith(".whl")]
    sdist = "".join(
        f'sdist = {{ url = "{FILES}/{name}", hash = "sha256:{digest}" }}\n' for name, digest in sdists
    )
    return (
        f'{head}\n[[package]]\nname = "demo"\nversion = "1.0"\nsource = {{ {source} }}\n{sdist}'
        f"wheels = [\n{wheels}]\n{more}"
    )


def pylock(
    *, head='lock-version = "1.0"\ncreated-by = "test"\n', body=None, marker="", index=f'index = "{INDEX}"\n'
):
    wheel = f'wheels = [{{ url = "{FILES}/{WHEEL}", hashes = {{ sha256 = "{A}" }} }}]\n'
    return f'{head}\n[[packages]]\nname = "demo"\nversion = "1.0"\n{marker}{index}{wheel if body is None else body}'


def poetry(*, version="2.1", body=None, source="", end=""):
    files = f'files = [\n    {{file = "{WHEEL}", hash = "sha256:{A}"}},\n]\n'
    return (
        f'[[package]]\nname = "demo"\nversion = "1.0"\n{files if body is None else body}{source}\n'
        f'[metadata]\nlock-version = "{version}"\n{end}'
    )


def pdm(*, version="4.5.0", body=None):
    files = f'files = [\n    {{file = "{WHEEL}", hash = "sha256:{A}"}},\n]\n'
    return (
        f'[metadata]\nlock_version = "{version}"\n\n[[package]]\nname = "demo"\nversion = "1.0"\n'
        f"{files if body is None else body}"
    )


def pipfile(*, spec=6, entry=None, sources=None, section="default"):
    value = {
        "_meta": {
            "pipfile-spec": spec,
            "sources": [{"name": "main", "url": INDEX}] if sources is None else sources,
        },
        section: {"demo": {"hashes": [f"sha256:{A}"], "version": "==1.0"} if entry is None else entry},
    }
    return json.dumps(value, indent=4)


def cyclonedx(*components, version="1.6"):
    one = {
        "type": "library",
        "name": "demo",
        "version": "1.0",
        "purl": "pkg:pypi/demo@1.0",
        "hashes": [{"alg": "SHA-256", "content": A}],
    }
    value = {"bomFormat": "CycloneDX", "specVersion": version, "components": list(components) or [one]}
    return json.dumps(value, indent=2)


def spdx(*packages, version="SPDX-2.3"):
    one = {
        "name": "demo",
        "SPDXID": "SPDXRef-demo",
        "versionInfo": "1.0",
        "packageFileName": WHEEL,
        "downloadLocation": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": A}],
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": "pkg:pypi/demo@1.0",
            }
        ],
    }
    return json.dumps({"spdxVersion": version, "packages": list(packages) or [one]}, indent=2)


EACH = {
    "uv.lock": uv(),
    "pylock.toml": pylock(),
    "poetry.lock": poetry(),
    "pdm.lock": pdm(),
    "Pipfile.lock": pipfile(),
    "demo.cdx.json": cyclonedx(),
    "demo.spdx.json": spdx(),
}
