"""One voice alone, answered by a choir of chords with octaves in the bass."""

from scripts.demo_data.work import Voice, Work, every

WORK = Work(
    id="mussorgsky_promenade",
    composer="Modest Mussorgsky",
    title="Pictures at an Exhibition, Promenade",
    catalogue="1874",
    excerpt="bars 1-4",
    texture="single line, then full chords with octave bass, loud",
    bars=(5.0, 6.0, 5.0, 6.0),
    tempo=((0, 94), (10, 98), (11, 92), (20, 94), (22, 78)),
    dynamics=((0, 80), (11, 84), (16, 92), (22, 88)),
    phrase=11.0,
    rubato=0.03,
    pedal=every(1, 22, start=11),
    peak_dbfs=-1.5,
    voices=(
        Voice(
            """
            g4/4 f4 bb4 c5/8 f5 d5/4 | c5/8 f5 d5/4 bb4 c5 g4 f4 |
            g3+bb3+d4+g4 f3+a3+c4+f4 bb3+d4+f4+bb4 c4+f4+a4+c5/8 f4+a4+c5+f5 d4+f4+bb4+d5/4 |
            c4+f4+a4+c5/8 f4+a4+c5+f5 d4+f4+bb4+d5/4 bb3+d4+g4+bb4 c4+e4+g4+c5 g3+bb3+eb4+g4
            f3+a3+c4+f4 |
            """,
            loudness=6,
            legato=0.94,
            lead_ms=8,
        ),
        Voice(
            """
            r/4*5 | r*6 |
            g1+g2/4 a1+a2 bb1+bb2 f1+f2 bb1+bb2 |
            f1+f2 bb1+bb2 g1+g2 c2+c3 eb2+eb3 f1+f2 |
            """,
            legato=0.92,
        ),
    ),
)
