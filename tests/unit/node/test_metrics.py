"""What Prometheus is told, and that alerts and dashboard ask for nothing else."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.ledger import Want
from rebuilders.node.metrics import METRICS, PREFIX, application
from rebuilders.node.parts.lasting import Lasting
from rebuilders.node.setup import make
from rebuilders.node.signer import publish
from rebuilders.node.standing import read_standing
from witness.answering import answering
from witness.errors import Incomplete
from witness.listening import listen
from witness.names import TargetName

PLACE = Path(__file__).parents[3] / "docs" / "operations"
CONFIG = NodeConfig(version=1, name="node-a.example", operator="Operator A")


pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]


def scraped(read):
    with listen("127.0.0.1", 0, hint="") as listener, answering(application(read), listener):
        asked = HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=20)
        asked.request("GET", "/metrics")
        answer = asked.getresponse()
        text = answer.read().decode()
        asked.request("GET", "/")
        assert asked.getresponse().status == 404
        asked.close()
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_node(tmp_path):
    node = NodeDirectory(tmp_path)
    make(node, CONFIG)
    ledger = node.ledger(CONFIG)
    ledger.add([Want(TargetName.parse("six==1.17.0")), Want(TargetName.parse("idna==3.20"))])
    ledger.take()
    ledger.say("paused", "yes")
    ledger.close()
    Lasting("signer", node).beat(doing="x", error="the disk is full")
    publish(node)
    told = scraped(lambda: read_standing(node, CONFIG, datetime.now(UTC)))
    assert told[f"{PREFIX}up",] == 1
    assert told[f"{PREFIX}held",] == 1
    assert told[f"{PREFIX}targets", "queued"] == told[f"{PREFIX}targets", "running"] == 1
    assert told[f"{PREFIX}part_alive", "signer"] == told[f"{PREFIX}part_failing", "signer"] == 1


def test_a_ledger_that_cannot_be_read():
    def read():
        raise Incomplete("the ledger")

    assert scraped(read) == {(f"{PREFIX}up",): 0}


def expressions():
    for group in yaml.safe_load((PLACE / "alerts.yml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((PLACE / "dashboard.json").read_bytes())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_asks_for_what_there_is(name, expression):
    asked = re.findall(rf"\b{PREFIX}(\w+)(?:\{{([^}}]*)\}})?", expression)
    assert asked
    for metric, matchers in asked:
        assert metric in METRICS
        labels = set(re.findall(r"(\w+)=", matchers)) - {"instance"}
        assert labels <= set(METRICS[metric][1])
    assert expression.count("(") == expression.count(")")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
def test_rules_by_prometheus_itself():
    subprocess.run(["promtool", "check", "rules", PLACE / "alerts.yml"], check=True, capture_output=True)
