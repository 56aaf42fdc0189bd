"""Timbre-Trap (Cwitkowitz et al., ICASSP 2024): own transform, network, decoder and weights."""

from __future__ import annotations

from pi_amt.models.timbre_trap.model import TimbreTrap

__all__ = ["TimbreTrap"]
