"""Training of Timbre-Trap on synthetic polyphonic music: note banks, scores, mixing, the loop."""
