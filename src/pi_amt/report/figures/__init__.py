"""Results as figures: drawn on a user's axes, or written as files for a paper."""
