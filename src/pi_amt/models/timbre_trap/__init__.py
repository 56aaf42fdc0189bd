"""Timbre-Trap (Cwitkowitz et al., ICASSP 2024): own transform, network, decoder and weights."""
