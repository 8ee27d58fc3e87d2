"""A real Dagster webserver answers what its lineage page asks: what it cannot serialise fails here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dagster_graphql import ask

from benchmarks.servers import free_port

PROJECT = Path(__file__).parents[2]
WEBSERVER = Path(sys.executable).with_name("dagster-webserver")

LINEAGE = """
query Lineage {
  repositoriesOrError { ... on PythonError { message } }
  assetNodes {
    assetKey { path }
    groupName
    description
    kinds
    owners { ... on TeamAssetOwner { team } ... on UserAssetOwner { email } }
    partitionDefinition { description }
    metadataEntries { label }
    dependencyKeys { path }
    assetChecksOrError { ... on AssetChecks { checks { name } } }
  }
}
"""


@contextmanager
def webserver(home: Path, root: Path) -> Iterator[int]:
    """The port of a webserver over this project's definitions; it is stopped in the end."""
    port = free_port()
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "GOVERNANCE_ROOT": str(root),
        "MARKETPLACE": "simulated",
        "PYTHONUNBUFFERED": "1",
    }
    command = [str(WEBSERVER), "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    command += ["--uvicorn-log-level", "info"]
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Uvicorn running on" in line:
                break
        else:
            pytest.fail("the webserver ended:\n" + "".join(said))
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.long
def test_the_webserver_serves_the_lineage_with_groups_owners_kinds_and_checks(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with webserver(tmp_path / "home", tmp_path) as port:
        answer = ask(port, LINEAGE)
    nodes = {"/".join(node["assetKey"]["path"]): node for node in answer["assetNodes"]}
    made = {name: node for name, node in nodes.items() if node["groupName"] != "default"}
    assert {"raw/orders", "features/seller", "models/claim/candidate", "models/claim/champion"} <= made.keys()
    without = {
        name: [part for part in ("description", "kinds", "owners") if not node[part]] for name, node in made.items()
    }
    assert not {name: parts for name, parts in without.items() if parts}
    candidate = made["models/claim/candidate"]
    checks = {check["name"] for check in candidate["assetChecksOrError"]["checks"]}
    assert checks >= {"single_feature_leak", "latency", "above_base_rate", "not_worse_than_champion"}, checks
    assert candidate["groupName"] == "after_sales_models"
