"""An estimate against its reference: note scores, frame scores, and the fate of each note.

It may import ``core``.
"""
