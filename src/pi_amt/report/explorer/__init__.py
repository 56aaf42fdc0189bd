"""Single recordings in the report: what the model got, what it heard, what it wrote."""
