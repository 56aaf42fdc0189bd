"""The theme creeps at the bottom of the keyboard over plucked fifths; no pedal."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="grieg_mountain_king",
    composer="Edvard Grieg",
    title="In the Hall of the Mountain King (Peer Gynt), piano version",
    catalogue="op. 46 no. 4",
    excerpt="theme, 8 bars",
    texture="low register, staccato, no pedal",
    bars=(4.0,) * 8 + (1.0,),
    tempo=((0, 132), (16, 138), (33, 146)),
    dynamics=((0, 52), (8, 58), (16, 66), (24, 74), (33, 92)),
    phrase=8.0,
    rubato=0.02,
    peak_dbfs=-3.0,
    voices=(
        Voice(
            """
            b1/8' c#2' d2' e2' f#2' d2' f#2/4 | f2/8' c#2' f2/4 e2/8' c2' e2/4 |
            b1/8' c#2' d2' e2' f#2' d2' f#2' b2' | a2' f#2' d2' f#2' a2/2 |
            f#2/8' g#2' a#2' b2' c#3' a#2' c#3/4 | d3/8' a#2' d3/4 c#3/8' a#2' c#3/4 |
            f#2/8' g#2' a#2' b2' c#3' a#2' c#3/4 | d3/8' a#2' d3/4 c#3/2 |
            b1+b2/4>' |
            """,
            loudness=10,
            legato=0.8,
            lead_ms=3,
        ),
        Voice(
            """
            b0/4' f#1' b0' f#1' | c#1' f#1' c1' f#1' |
            b0' f#1' b0' f#1' | d1' a1' d1' a1' |
            f#1' c#1+f#3+a#3' f#1' c#1+f#3+a#3' | f#1' c#1+f#3+b3' f#1' c#1+f#3+a#3' |
            f#1' c#1+f#3+a#3' f#1' c#1+f#3+a#3' | f#1' c#1+f#3+b3' f#1+f#3+a#3' r |
            b0+f#3+b3+d4/4>' |
            """,
        ),
    ),
)
