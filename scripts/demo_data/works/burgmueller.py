"""Five-finger runs, first in the right hand, then in the left."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="burgmueller_arabesque",
    composer="Friedrich Burgmüller",
    title="Arabesque",
    catalogue="op. 100 no. 2",
    excerpt="opening and return, abridged",
    texture="fast five-finger runs, re-struck staccato chords",
    bars=(2.0,) * 17,
    tempo=((0, 142), (20, 146), (28, 138), (32, 144), (34, 120)),
    dynamics=((0, 54), (4, 58), (12, 74), (20, 60), (28, 84), (34, 88)),
    phrase=4.0,
    rubato=0.03,
    peak_dbfs=-2.5,
    voices=(
        Voice(
            """
            r/2 | r/2 |
            a4/16 b4 c5 b4 a4/8' r | a4/16 b4 c5 d5 e5/8' r |
            d5/16 e5 f5 g5 a5/8' r | a5/16 b5 c6 d6 e6/8' r |
            f5/16 g5 a5 g5 f5/8' r | e5/16 f5 g5 f5 e5/8' r |
            d5/16 e5 f5 e5 d5 e5 c5 d5 | c5+e5/4> r/4 |
            c5+e5/4' c5+e5' | c5+e5' e5+a5' | d5+f5' f5+a5' | e5+g#5/4> d5+e5/4' |
            a4/16 b4 c5 b4 a4/8' r | a4/16 b4 c5 d5 e5 d5 c5 b4 | a4+c5+a5/4>' r/4 |
            """,
            loudness=8,
            legato=0.88,
            lead_ms=4,
        ),
        Voice(
            """
            a3+c4+e4/4'*2 | a3+c4+e4/4'*2 |
            a3+c4+e4/4'*2 | a3+c4+e4/4'*2 |
            a3+d4+f4/4'*2 | a3+c4+e4/4'*2 |
            g3+b3+f4/4'*2 | g3+c4+e4/4'*2 |
            g3+b3+f4/4'*2 | c3+g3+e4/4> r/4 |
            a2/16 b2 c3 b2 a2/8' r | a2/16 b2 c3 d3 e3/8' r |
            d3/16 e3 f3 g3 a3/8' r | e3/16 f#3 g#3 a3 b3 g#3 f#3 e3 |
            a3+c4+e4/4'*2 | a3+c4+e4/4' e3+g#3+d4/4' | a2+e3+a3/4>' r/4 |
            """,
            legato=0.85,
        ),
    ),
)
