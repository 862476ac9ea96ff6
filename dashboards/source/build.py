"""Writes the dashboards: build.py FOLDER. `.ci/rules` compares them with what is committed."""

import json
import pathlib
import sys

import connector
import fleet
import watchdog
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

for module in (fleet, connector, watchdog):
    made = module.build().build()
    text = JSONEncoder(sort_keys=True, indent=2).encode(made)
    # Grafana's own types read it again, and nothing is lost.
    again = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(json.loads(text)))
    assert again == text, f"{made.uid} is not what Grafana reads"
    path = pathlib.Path(sys.argv[1]) / f"{module.__name__}.json"
    path.write_text(text + "\n")
