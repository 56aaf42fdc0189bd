"""A singing theme over broken chords, then scales through the octaves."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="mozart_sonata_k545",
    composer="Wolfgang Amadeus Mozart",
    title="Piano Sonata No. 16 in C major, first movement",
    catalogue="K. 545",
    excerpt="bars 1-9",
    texture="Alberti bass, scale runs, trill",
    bars=(4.0,) * 8 + (1.0,),
    tempo=((0, 132), (16, 138), (30, 134), (32, 120), (33, 104)),
    dynamics=((0, 58), (8, 64), (14, 58), (18, 72), (24, 66), (32, 60)),
    phrase=8.0,
    rubato=0.025,
    peak_dbfs=-4.0,
    voices=(
        Voice(
            """
            c5/2 e5/4 g5 | b4/4. c5/16 d5 c5/4 r | a5/2 g5/4 c6 |
            g5 f5/32 g5 f5 g5 e5/16 f5 e5/4 r |
            a4/8 b4/16 c5 d5 e5 f5 g5 a5 g5 f5 e5 d5 c5 b4 a4 |
            g4/8 a4/16 b4 c5 d5 e5 f5 g5 f5 e5 d5 c5 b4 a4 g4 |
            f4/8 g4/16 a4 b4 c5 d5 e5 f5 e5 d5 c5 b4 a4 g4 f4 |
            e4/8 f4/16 g4 a4 b4 c5 d5 e5 d5 c5 b4 a4 g4 f4 e4 |
            d4/4 |
            """,
            loudness=8,
            legato=0.93,
            lead_ms=7,
        ),
        Voice(
            """
            c4/8 g4 e4 g4 c4 g4 e4 g4 | d4 g4 f4 g4 c4 g4 e4 g4 | c4 a4 f4 a4 c4 g4 e4 g4 |
            b3 g4 d4 g4 c4 g4 e4 g4 |
            f3+a3+c4/2 r | e3+g3+c4/2 r | d3+a3+c4/2 r | c3+g3+c4/2 r | b2+f3+g3/4 |
            """,
            loudness=-4,
            legato=0.9,
        ),
    ),
)
