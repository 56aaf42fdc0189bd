"""Results as tables, for a terminal, a notebook, CSV, LaTeX, Markdown and Parquet."""
