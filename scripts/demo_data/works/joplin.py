"""Octaves that tumble down, then the theme over a stride left hand."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="joplin_entertainer",
    composer="Scott Joplin",
    title="The Entertainer",
    catalogue="1902",
    excerpt="bars 1-10",
    texture="octaves, syncopation, stride left hand",
    bars=(2.0,) * 10,
    tempo=((0, 80), (8, 84), (18, 84), (20, 72)),
    dynamics=((0, 82), (6, 76), (8, 62), (12, 72), (16, 64), (20, 76)),
    phrase=8.0,
    rubato=0.02,
    peak_dbfs=-2.0,
    voices=(
        Voice(
            """
            d5+d6/16 e5+e6 c5+c6 a4+a5/8 b4+b5/16 g4+g5/8 |
            d4+d5/16 e4+e5 c4+c5 a3+a4/8 b3+b4/16 g3+g4/8 |
            d3+d4/16 e3+e4 c3+c4 a2+a3/8 b2+b3/16 a2+a3 ab2+ab3 |
            g2+g3/8' r g4+b4+d5+g5/8>' d4/16 d#4 |
            e4 c5/8 e4/16 c5/8 e4/16 c5 |
            _/4 r/16 c5+c6 d5+d6 d#5+d#6 |
            e5+e6 c5+c6 d5+d6 e5+e6/8 b4+b5/16 d5+d6/8 |
            c5+e5+c6/4 r/8 d4/16 d#4 |
            e4 c5/8 e4/16 c5/8 e4/16 c5 |
            _/4 r/4 |
            """,
            loudness=6,
            legato=0.9,
            lead_ms=6,
        ),
        Voice(
            """
            r/2 |
            r/2 |
            d2/16 e2 c2 a1/8 b1/16 a1 ab1 |
            g1/8' r g2/8' r |
            c3/8 g3+c4' bb2 g3+bb3+c4' |
            a2 f3+a3+c4' g2 e3+g3+c4' |
            g2 f3+g3+b3' g2 f3+g3+b3' |
            c3 e3+g3+c4' g2 e3+g3' |
            c3 g3+c4' bb2 g3+bb3+c4' |
            a2 f3+a3+c4' c2+c3/8>' r |
            """,
            legato=0.75,
        ),
    ),
)
