"""Put trained weights into the package: ``python -m scripts.training.ship WEIGHTS minutes=…``.

Writes ``timbre_trap.safetensors`` (float32, with a label in its metadata) beside the model and
``timbre_trap.json`` with its SHA-256, by which ``load_weights`` knows it.
"""

from __future__ import annotations

import argparse
import hashlib
import json

from safetensors.torch import save_file

from pi_amt.models.timbre_trap.weights import (
    SHIPPED_LABEL,
    SHIPPED_PATH,
    SHIPPED_RECORD,
    load_weights,
)


def ship(weights: str, facts: dict[str, str]) -> str:
    """Check and copy weights; ``facts`` go into the record. Returns the SHA-256."""
    state, _ = load_weights(weights)
    metadata = {"label": SHIPPED_LABEL, "architecture": "timbre-trap", **facts}
    save_file({k: v.contiguous() for k, v in state.items()}, SHIPPED_PATH, metadata)
    SHIPPED_PATH.chmod(0o644)  # safetensors lets nobody else read what it writes
    sha256 = hashlib.sha256(SHIPPED_PATH.read_bytes()).hexdigest()
    record = {"sha256": sha256, **metadata}
    SHIPPED_RECORD.write_text(json.dumps(record, indent=2) + "\n")
    return sha256


def main() -> None:
    """Put the weights that the arguments name into the package."""
    parser = argparse.ArgumentParser(prog="python -m scripts.training.ship", description=__doc__)
    parser.add_argument("weights", help="file of trained weights")
    parser.add_argument(
        "facts", nargs="*", metavar="KEY=VALUE", help="goes into the record, e.g. minutes=90"
    )
    given = parser.parse_args()
    if wrong := [fact for fact in given.facts if "=" not in fact]:
        parser.error(f"got {wrong[0]}, expected KEY=VALUE")
    print(ship(given.weights, dict(fact.split("=", 1) for fact in given.facts)))


if __name__ == "__main__":
    main()
