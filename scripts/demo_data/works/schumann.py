"""A hymn in four parts; soprano a little louder, voices slightly apart."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="schumann_chorale",
    composer="Robert Schumann",
    title="Album für die Jugend, Ein Choral",
    catalogue="op. 68 no. 4",
    excerpt="after the first strain",
    texture="four-part chorale",
    bars=(4.0, 4.0, 4.0, 4.0, 4.0, 2.0),
    tempo=((0, 92), (10, 94), (12, 80), (13, 94), (20, 88), (22, 72)),
    dynamics=((0, 60), (6, 68), (12, 58), (15, 70), (22, 54)),
    phrase=12.0,
    rubato=0.03,
    pedal=(0, 2, 3, 4, 6, 8, 9, 10, 12, 14, 15, 16, 18, 19, 20, 22),
    peak_dbfs=-4.5,
    voices=(
        Voice(
            """
            g4/2 a4/4 b4 | a4/2 g4 | f#4/4 e4 d4/2 | b4 d5/4 c5 | b4/2 a4/4 a4 | g4/2 |
            """,
            loudness=10,
            legato=0.98,
            lead_ms=8,
        ),
        Voice(
            "d4/2 f#4/4 g4 | f#4/2 e4 | d4/4 c#4 a3/2 | g4 g4/4 e4 | g4/2 e4/4 f#4 | d4/2 |",
            loudness=-4,
            legato=0.96,
        ),
        Voice(
            """
            b3/2 d4/4 d4 | d4 c4 b3/2 | a3/4 a3/8 g3 f#3/2 | d4 b3/4 a3 | d4/4 e4 c4 d4/8 c4 |
            b3/2 |
            """,
            loudness=-3,
            legato=0.96,
        ),
        Voice(
            "g2/2 d3/4 g3 | d3/2 e3 | d3/4 a2 d2/2 | g2 b2/4 a2 | g2/2 c3/4 d3 | g2/2 |",
            loudness=2,
            legato=0.97,
        ),
    ),
)
