"""Put trained weights into the package: ``python -m scripts.training.ship WEIGHTS minutes=…``.

Writes ``timbre_trap.safetensors`` (float32, with a label in its metadata) beside the model and
``timbre_trap.json`` with its SHA-256, by which ``load_weights`` knows it.
"""

from __future__ import annotations

import hashlib
import json
import sys

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


if __name__ == "__main__":
    print(ship(sys.argv[1], dict(fact.split("=", 1) for fact in sys.argv[2:])))
