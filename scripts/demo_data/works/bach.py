"""Two voices that imitate each other; the subject in both hands."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="bach_invention_1",
    composer="Johann Sebastian Bach",
    title="Invention No. 1 in C major",
    catalogue="BWV 772",
    excerpt="bars 1-7",
    texture="two-voice counterpoint, ornaments",
    bars=(4.0,) * 6 + (2.0,),
    tempo=((0, 104), (20, 106), (23, 98), (24, 78), (26, 70)),
    dynamics=((0, 62), (8, 70), (14, 78), (20, 70), (26, 66)),
    phrase=8.0,
    rubato=0.03,
    peak_dbfs=-3.5,
    voices=(
        Voice(
            """
            r/16 c4 d4 e4 f4 d4 e4 c4 g4/8 c5 b4/32 a4 b4/16 c5/8 |
            d5/16 g4 a4 b4 c5 a4 b4 g4 d5/8 g5 f5/32 e5 f5/16 g5/8 |
            e5/16 a5 g5 f5 e5 g5 f5 a5 g5 f5 e5 d5 c5 e5 d5 f5 |
            e5 d5 c5 b4 a4 c5 b4 d5 c5 b4 a4 g4 f#4 a4 g4 b4 |
            a4/8 d4 c5/8. d5/16 b4 a4 g4 f#4 e4 g4 f#4 a4 |
            g4 b4 a4 c5 b4 d5 c5 e5 d5 b4/32 c5 d5/16 g5 b4/8 a4/16 g4 |
            g4/2 |
            """,
            loudness=4,
            legato=0.9,
            lead_ms=5,
        ),
        Voice(
            """
            r/2 r/16 c3 d3 e3 f3 d3 e3 c3 |
            g3/8 g2 r/4 r/16 g3 a3 b3 c4 a3 b3 g3 |
            c4/8 b3 c4 d4 e4 g3 a3 b3 |
            c4 e3 f#3 g3 a3 b3 c4/4 |
            _/16 d3 e3 f#3 g3 e3 f#3 d3 g3/8 b2 c3 d3 |
            e3 f#3 g3 e3 b2/8. c3/16 d3/8 d2 |
            g2/2 |
            """,
            legato=0.82,
        ),
    ),
)
