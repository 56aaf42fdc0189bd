"""A bare melody over low bass notes and distant chords, all under the pedal."""

from scripts.demo_data.work import Voice, Work, every

WORK = Work(
    id="satie_gymnopedie_1",
    composer="Erik Satie",
    title="Gymnopédie No. 1",
    catalogue="1888",
    excerpt="bars 13-19",
    texture="slow, sparse, wide left hand, pedal",
    bars=(3.0,) * 7,
    tempo=((0, 84), (10, 88), (18, 82), (21, 70)),
    dynamics=((0, 48), (6, 54), (12, 46), (17, 54), (21, 44)),
    phrase=12.0,
    rubato=0.04,
    pedal=every(3, 21),
    peak_dbfs=-5.5,
    voices=(
        Voice(
            """
            r/4 f#5 a5 | g5 f#5 c#5 | b4 c#5 d5 | a4/2. | c#5/2. | f#5/2. | e4/2. |
            """,
            loudness=14,
            legato=1.0,
            lead_ms=16,
        ),
        Voice(
            """
            g2/4 b3+d4+f#4/2 | d2/4 a3+c#4+f#4/2 | g2/4 b3+d4+f#4/2 | d2/4 a3+c#4+f#4/2 |
            f#2/4 a3+c#4+f#4/2 | b1/4 a3+b3+d4+f#4/2 | e2/4 g3+b3+d4/2 |
            """,
            loudness=-2,
            legato=0.95,
        ),
    ),
)
