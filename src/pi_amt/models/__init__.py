"""pi_amt."""
