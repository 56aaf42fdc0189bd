"""Basic Pitch (Spotify, ICASSP 2022): our own network with the published weights."""
