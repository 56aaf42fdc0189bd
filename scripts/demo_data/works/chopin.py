"""Repeated chords that sink by semitones under a melody of two notes."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="chopin_prelude_4",
    composer="Frédéric Chopin",
    title="Prelude in E minor",
    catalogue="op. 28 no. 4",
    excerpt="bars 1-4 with upbeat",
    texture="repeated chords (re-strikes), long melody, pedal",
    bars=(1.0, 4.0, 4.0, 4.0, 4.0),
    tempo=((0, 60), (1, 70), (9, 74), (14, 70), (16, 56), (17, 50)),
    dynamics=((0, 56), (5, 50), (9, 54), (13, 48), (17, 38)),
    phrase=4.0,
    rubato=0.07,
    pedal=(1, 3, 5, 7, 9, 11, 13, 15, 17),
    peak_dbfs=-5.0,
    voices=(
        Voice(
            """
            b3/8. b4/16 | b4/2. c5/4 | b4/2. c5/4 | b4/2. c5/4 | b4/2. bb4/4 |
            """,
            loudness=20,
            legato=1.0,
            lead_ms=18,
        ),
        Voice(
            """
            r/4 |
            g3+b3+e4/8*8 |
            f#3+b3+e4*2 f#3+a3+e4*4 f3+a3+e4*2 |
            f3+a3+e4*4 f3+a3+d#4*4 |
            f3+a3+d4*4 e3+g#3+d4*4 |
            """,
            loudness=-2,
            legato=0.7,
        ),
    ),
)
