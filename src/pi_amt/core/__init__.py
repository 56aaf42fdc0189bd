"""What all other packages speak: units, audio, MIDI, notes, spectrograms, partials, tuning, errors.

It imports nothing of this project outside itself.
"""
