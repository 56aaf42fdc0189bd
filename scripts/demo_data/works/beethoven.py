"""Triplets under a dotted melody, over whole-note octaves; pedalled throughout."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="beethoven_moonlight",
    composer="Ludwig van Beethoven",
    title="Piano Sonata No. 14 (Moonlight), first movement",
    catalogue="op. 27 no. 2",
    excerpt="bars 5-9",
    texture="broken-chord triplets over octave bass, pedal",
    bars=(4.0, 4.0, 4.0, 4.0, 2.0),
    tempo=((0, 72), (8, 76), (14, 72), (16, 60), (18, 54)),
    dynamics=((0, 46), (8, 52), (10, 56), (14, 50), (18, 40)),
    phrase=8.0,
    rubato=0.05,
    pedal=(0, 4, 8, 10, 12, 14, 16, 18),
    peak_dbfs=-6.0,
    voices=(
        Voice(
            """
            r/2. g#4/8. g#4/16 |
            g#4/2. g#4/8. g#4/16 |
            g#4/2 a4/2 |
            g#4/2 f#4/4 b4/4 |
            e4/2 |
            """,
            loudness=14,
            legato=1.0,
            lead_ms=14,
        ),
        Voice(
            """
            g#3/12 c#4 e4 g#3 c#4 e4 g#3 c#4 e4 g#3 c#4 e4 |
            g#3 d#4 f#4 g#3 d#4 f#4 g#3 d#4 f#4 g#3 d#4 f#4 |
            g#3 c#4 e4 g#3 c#4 e4 a3 c#4 f#4 a3 c#4 f#4 |
            g#3 b3 e4 g#3 b3 e4 a3 b3 d#4 a3 b3 d#4 |
            g#3 b3 e4 g#3/4 |
            """,
            legato=1.02,
        ),
        Voice(
            """
            c#2+g#2+c#3/1 | c2+g#2/1 | c#2+c#3/2 f#1+f#2/2 | b1+b2/1 | e2+b2+e3/2 |
            """,
            loudness=2,
            legato=0.98,
        ),
    ),
)
