"""Results as one HTML file that needs no network, with its tables and figures beside it."""
