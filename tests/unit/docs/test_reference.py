"""The pages about policy, node.toml, formats and exit codes say what the code does."""

import json
import re
import tomllib

import pytest
from pydantic import BaseModel

from rebuilders.node import config as node_config
from rebuilders.node.caps import LimitsConfig
from rebuilders.node.config import (
    DestinationConfig,
    FarmConfig,
    MetricsConfig,
    NodeConfig,
    PeerConfig,
    ShareConfig,
    SignerConfig,
    SigstoreConfig,
)
from rebuilders.node.feed.config import WatchConfig
from rebuilders.report.document import of_wheels
from rebuilders.report.json import report_json
from rebuilders.result import EXIT, _empty
from tests.schemas import schema_of
from tests.unit.docs.pages import DOCS, blocks
from tests.wheels import File, wheel_of
from witness import commitment, limits, policy
from witness.bundle import MEDIA_TYPE
from witness.compare.ladder import compare
from witness.errors import InputError
from witness.keys import parse_key
from witness.names import TargetName
from witness.observation import PREDICATE_TYPE, Comparison, Observation
from witness.outcome import DEFAULT_FAIL_ON, OUTCOMES
from witness.report.model import PRECEDENCE
from witness.wheel.reader import read_wheel

REFERENCE = DOCS / "reference"


def text_of(name):
    return (REFERENCE / name).read_text("utf-8")


def table(text, heading):
    """The first cells of the first table below a heading."""
    section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


def toml_blocks(page):
    return [
        block.body for block in blocks(page) if block.kind == "toml" and block.body.startswith("version = 1")
    ]


@pytest.mark.parametrize(
    ("page", "witnesses"), [("reference/policy.md", 3), ("how-to/gate-an-install.md", 2)]
)
def test_policies_shown_parse(page, witnesses):
    (example,) = toml_blocks(DOCS / page)
    parsed = policy.parse(example, name=page)
    assert parsed.threshold == 2
    assert len(parsed.witnesses) == witnesses


def without(text, key):
    return re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "prefix"), [("Top level", ""), ("[[witness]]", "witness[1]."), ("[[exempt]]", "exempt[1].")]
)
def test_every_key_of_a_policy_its_default_and_whether_it_is_required(heading, prefix):
    (example,) = toml_blocks(REFERENCE / "policy.md")
    rows = table(text_of("policy.md"), heading)
    assert rows
    for key, (_, default, _) in rows.items():
        if key in ("witness", "exempt", "diversity", "directory", "cosigner-quorum", "sigstore"):
            continue
        assert re.search(rf"^{key} = ", example, re.MULTILINE), f"{key} is not in the example"
        if default == "required":
            with pytest.raises(InputError, match=re.escape(f"{prefix}{key}: missing")):
                policy.parse(without(example, key), name="policy.toml")
        else:
            policy.parse(without(example, key), name="policy.toml")


def test_no_key_of_a_policy_is_missing_from_its_page():
    source = (DOCS.parent / "witness" / "policy" / "text.py").read_text("utf-8")
    taken = set(policy.PLACES)
    taken |= set(
        re.findall(
            r'(?:integer|boolean|string|strings|optional|date|table|tables|text)\(\s*"([a-z-]+)"', source
        )
    )
    text = text_of("policy.md")
    headings = ("Top level", "[[witness]]", "sigstore", "Of OSS Rebuild", "[diversity]", "[[exempt]]")
    told = {key for heading in headings for key in table(text, heading)}
    assert taken == told


def test_the_quorum_that_is_shown_fits_the_policy_that_is_shown():
    (example,) = toml_blocks(REFERENCE / "policy.md")
    quorums = [block.body for block in blocks(REFERENCE / "policy.md") if "cosigner-quorum = " in block.body]
    (shown,) = [body for body in quorums if body.startswith("cosigner-quorum")]
    parsed = policy.parse(shown + without(example, "cosigners"), name="policy.toml")
    assert {who for who, _ in parsed.cosigners_known} == {"Operator A", "Operator B", "outside"}
    assert parsed.is_cosigned(frozenset({"outside"}))


def test_defaults_of_a_policy():
    (example,) = toml_blocks(REFERENCE / "policy.md")
    for key in ("accept", "veto", "max-age-days", "cosigners", "independent"):
        example = without(example, key)
    parsed = policy.parse(example, name="policy.toml")
    rows = table(text_of("policy.md"), "Top level")
    told = {
        key: rows[key][1].strip("`") for key in ("accept", "veto", "max-age-days", "cosigners", "independent")
    }
    assert told == {
        "accept": '["bitwise", "archive"]',
        "veto": str(parsed.veto),
        "max-age-days": str(parsed.max_age_days),
        "cosigners": str(parsed.cosigners),
        "independent": str(parsed.independent),
    }
    assert parsed.accept == {"bitwise", "archive"}


def test_every_verdict_is_explained():
    assert set(table(text_of("policy.md"), "How a verdict is reached")) == set(OUTCOMES)


# Tables of node.toml, each with a section of its own: its key, and what holds it.
NODE_TABLES = {
    "Farm": ("farm", FarmConfig),
    "watch": ("watch", WatchConfig),
    "Limits": ("limits", LimitsConfig),
    "Metrics": ("metrics", MetricsConfig),
    "Destinations": ("destination", DestinationConfig),
    "Peers": ("peer", PeerConfig),
    "sigstore": ("sigstore", SigstoreConfig),
    "share": ("share", ShareConfig),
}


def test_node_toml():
    (example,) = toml_blocks(REFERENCE / "node-toml.md")
    node_config.parse(example, "node.toml")
    rows = table(text_of("node-toml.md"), "node.toml")
    fields = {field.alias or name: field for name, field in NodeConfig.model_fields.items()}
    assert set(rows) == set(fields)
    for key, field in fields.items():
        told = rows[key][1].strip("`")
        assert told == ("none" if isinstance(field.default, BaseModel) else default_of(field)), key


@pytest.mark.parametrize("section", NODE_TABLES)
def test_tables_of_node_toml(section):
    key, model = NODE_TABLES[section]
    rows = table(text_of("node-toml.md"), section)
    told = {name: row[1].strip("`") for name, row in rows.items()}
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    assert told == {name: default_of(field) for name, field in fields.items()}
    (example,) = toml_blocks(REFERENCE / "node-toml.md")
    text = text_of("node-toml.md").split(f"## {section}\n", 1)[1].split("```toml\n", 1)[1].split("```", 1)[0]
    assert node_config.parse(f"{example}\n{text}", "node.toml")
    shown = tomllib.loads(text)[key]
    assert set(shown[0] if isinstance(shown, list) else shown) == set(fields)


def test_a_share_that_is_shown_can_be_used():
    (example,) = toml_blocks(REFERENCE / "node-toml.md")
    for page, redundancy in (("reference/node-toml.md", 3), ("how-to/run-a-node.md", 4)):
        (shown,) = [block.body for block in blocks(DOCS / page) if "[share]" in block.body]
        assert node_config.parse(f"{example}\n{shown}", page).share.redundancy == redundancy


def default_of(field):
    """The default of a field, as a page shows it."""
    if field.is_required():
        return "required"
    plain = str(field.default).lower() if isinstance(field.default, bool | None) else str(field.default)
    return plain or '""'


def test_signers_of_node_toml():
    (example,) = toml_blocks(REFERENCE / "node-toml.md")
    rows = table(text_of("node-toml.md"), "Signers")
    told = {key: row[1].strip("`") for key, row in rows.items()}
    fields = {field.alias or name: field for name, field in SignerConfig.model_fields.items()}
    assert told == {key: default_of(field) for key, field in fields.items()}
    for page in ("reference/node-toml.md", "how-to/keys-in-an-hsm.md"):
        for block in blocks(DOCS / page):
            if block.kind == "toml" and "[signer." in block.body:
                signers = node_config.parse(example + "\n" + block.body, page).signer
                assert "PYKCS11LIB" in signers.environment
                assert parse_key(next(filter(None, (signers.observation, signers.next))).public_key)


def test_fields_of_observations():
    wire = {field.alias for field in Observation.model_fields.values()}
    text = text_of("formats.md")
    section = text.split("## Observation", 1)[1].split("## Statement", 1)[0]
    top, comparison = section.split("`comparison`:", 1)
    assert {row.group(1) for row in re.finditer(r"^\| `(\w+)`", top, re.MULTILINE)} == wire
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", comparison, re.MULTILINE))))
    assert told == {field.alias for field in Comparison.model_fields.values()}
    assert PREDICATE_TYPE in section


def test_fields_of_results():
    rows = table(text_of("formats.md"), "rebuild-result/1")
    assert list(rows) == list(_empty(TargetName.parse("six==1.17.0")))


def test_fields_of_standings():
    section = text_of("formats.md").split("## status/1", 1)[1].split("\n## ", 1)[0]
    told = {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert told == set(schema_of("status/1")["properties"])


def test_fields_of_reports():
    section = text_of("formats.md").split("## report/1", 1)[1].split("\n## ", 1)[0]
    told = [
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    wheels = [read_wheel(wheel_of()), read_wheel(wheel_of(File("a", b"")))]
    value = json.loads(report_json(of_wheels(("a", "b"), *wheels, compare(*wheels))))
    assert sorted(told) == sorted(value)
    differences = re.search(r"`differences` \| `\[\{(.*?)\}\]`", section)[1].split(", ")
    assert set(differences) == set(value["differences"][0])
    sides = re.search(r"`rebuilt` \| `\{(.*)\}` or null", section)[1]
    assert set(re.findall(r"\w+", sides)) == set(value["published"]) | {"path", "kind"}


def test_fields_of_checks():
    section = text_of("formats.md").split("## check/1", 1)[1].split("\n## ", 1)[0]
    told = {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    schema = schema_of("check/1")
    assert told == set(schema["properties"]) | set(schema["$defs"]["artifact"]["properties"])


KIND = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"')
FIELDS = {
    "wheel-version",
    "root-is-purelib",
    "requires-dist",
    "requires-python",
    "provides-extra",
    "metadata-version",
}


def test_every_kind_of_finding_is_explained():
    """Those that the modules write, the faults of headers once for METADATA and once for WHEEL."""
    told = set(re.findall(r"`([a-z0-9-]+)`", (DOCS / "explanation" / "comparison.md").read_text("utf-8")))
    wheel = DOCS.parent / "witness" / "wheel"
    written = {
        kind
        for name in ("ambiguity", "archive", "paths", "conformance", "record")
        for kind in KIND.findall((wheel / f"{name}.py").read_text("utf-8"))
    }
    source = (wheel / "headers.py").read_text("utf-8")
    faults = set(re.findall(r'faults\["([a-z0-9-]+)"\]|\("([a-z0-9-]+)",\)\)', source))
    faults = {fault for pair in faults for fault in pair if fault} | {"missing", "too-large"}
    assert {"not-utf8", "odd-line", "missing"} < faults
    written -= faults
    written |= {f"{text}-{fault}" for text in ("metadata", "wheel") for fault in faults}
    assert len(written) > 50
    assert (
        written - told - FIELDS - {"utf-8", "content-type", "content-transfer-encoding", "mime-version"}
        == set()
    )


def test_limits_and_types():
    text = text_of("formats.md")
    assert MEDIA_TYPE in text
    assert f"| statement | {limits.MAX_STATEMENT // limits.KIB} KiB |" in text
    assert f"| entry of a log (envelope or Sigstore bundle) | {limits.MAX_ENTRY} bytes |" in text
    assert f"| file of trust in a Sigstore instance | {limits.MAX_TRUST // limits.MIB} MiB |" in text
    assert commitment.MEDIA_TYPE in text
    assert f"| `commitments` | 1 to {limits.MAX_COMMITMENTS} digests" in text
    assert f"| bundle | {limits.MAX_BUNDLE // limits.KIB} KiB |" in text
    assert f"| shard | {limits.MAX_SHARD // limits.MIB} MiB |" in text
    assert f"| lookup file | {limits.MAX_LOOKUP // limits.MIB} MiB |" in text
    wheel = limits.ARCHIVE
    sizes = (
        f"{wheel.file // limits.MIB} MiB, {wheel.members} members, {wheel.total // limits.GIB} GiB unpacked; "
        f"beyond {wheel.small // limits.MIB} MiB unpacked, {wheel.ratio} times its own size; "
        f"{wheel.central // limits.MIB} MiB of central directory"
    )
    assert f"| wheel | {sizes} |" in text


def test_exit_codes():
    text = text_of("exit-codes.md")
    assert f"the first of {', '.join(map(str, PRECEDENCE))} is taken" in text
    (default,) = re.findall(r"Default:\s+`([a-z,-]+)`", text)
    assert set(default.split(",")) == DEFAULT_FAIL_ON
    section = text.split("## rebuilder rebuild", 1)[1].split("\n## ", 1)[0]
    for result, code in EXIT.items():
        assert re.search(rf"^\| {code} \| .*{result}", section, re.MULTILINE), result
