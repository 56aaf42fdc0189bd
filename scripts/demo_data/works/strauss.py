"""Waltz bass and after-beats, a rising triad answered two octaves up."""

from scripts.demo_data.work import Voice, Work, every

WORK = Work(
    id="strauss_blue_danube",
    composer="Johann Strauss II",
    title="An der schönen blauen Donau, piano version",
    catalogue="op. 314",
    excerpt="waltz 1, 14 bars",
    texture="waltz, wide left hand, high answering chords, pedal",
    bars=(1.0, *(3.0,) * 14, 1.0),
    tempo=((0, 132), (1, 150), (8, 176), (24, 184), (38, 180), (42, 150), (44, 130)),
    dynamics=((0, 58), (12, 64), (24, 72), (36, 82), (44, 84)),
    phrase=12.0,
    rubato=0.04,
    pedal=every(3, 43, start=1),
    peak_dbfs=-2.5,
    voices=(
        Voice(
            """
            d4/4 |
            d4 f#4 a4 | a4/2 f#5+a5+d6/4' | f#5+a5+d6' r d5+f#5+a5' | d5+f#5+a5' r d4 |
            d4 f#4 a4 | a4/2 g5+a5+c#6/4' | g5+a5+c#6' r c#5+e5+g5' | c#5+e5+g5' r c#4 |
            c#4 e4 b4 | b4/2 g5+b5+e6/4' | g5+b5+e6' r c#5+e5+g5' | c#5+e5+g5' r c#4 |
            c#4 e4 b4 | b4/2 g5+b5+e6/4' | f#5+a5+d6/4> |
            """,
            loudness=10,
            legato=0.96,
            lead_ms=9,
        ),
        Voice(
            """
            r/4 |
            d3/4 r/2 | d2/4 a3+d4+f#4/4'*2 | d2 a3+d4+f#4'*2 | a1 a3+d4+f#4'*2 |
            d2 a3+d4+f#4'*2 | a1 a3+c#4+g4'*2 | e2 a3+c#4+g4'*2 | a1 a3+c#4+g4'*2 |
            e2 a3+c#4+g4'*2 | a1 a3+c#4+g4'*2 | e2 a3+c#4+g4'*2 | a1 a3+c#4+g4'*2 |
            e2 a3+c#4+g4'*2 | a1 a3+c#4+g4'*2 | d2+d3/4> |
            """,
            legato=0.9,
        ),
    ),
)
