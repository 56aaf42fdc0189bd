"""The celesta's theme at the top of the keyboard, every note short."""

from scripts.demo_data.work import Voice, Work

WORK = Work(
    id="tchaikovsky_sugar_plum",
    composer="Pyotr Ilyich Tchaikovsky",
    title="The Nutcracker, Dance of the Sugar Plum Fairy, piano version",
    catalogue="op. 71",
    excerpt="theme, 11 bars",
    texture="high register, fast re-strikes, staccato, no pedal",
    bars=(2.0,) * 11,
    tempo=((0, 86), (8, 90), (18, 88), (22, 74)),
    dynamics=((0, 48), (4, 56), (12, 60), (16, 72), (22, 62)),
    phrase=8.0,
    rubato=0.025,
    peak_dbfs=-4.0,
    voices=(
        Voice(
            """
            r/2 | r/2 |
            r/8 g6/16' e6' g6/8' f#6' | d#6' e6' b5+d6/16' b5+d6' b5+d6/8' |
            a#5+c#6/16' a#5+c#6' a#5+c#6/8' a5+c6/16' a5+c6' a5+c6/8' |
            b5/16' e6' c6' e6' b5/8' r |
            r/8 g6/16' e6' g6/8' f#6' | c7' b6' e7+g7/16' e7+g7' e7+g7/8' |
            d#7+f#7/16' d#7+f#7' d#7+f#7/8' c7+e7/16' c7+e7' c7+e7/8' |
            d#7/16' f#7' e7' f#7' d#7/8' b6' | g6+b6+e7/2' |
            """,
            loudness=10,
            lead_ms=5,
        ),
        Voice(
            """
            e3/8' g3+b3' e3' g3+b3' | e3' g3+b3' e3' g3+b3' |
            e3' g3+b3' e3' g3+b3' | e3' g3+b3' e3' g#3+b3' |
            e3' g3+a#3' e3' f#3+a3' | d#3' f#3+b3' b2' f#3+a3' |
            e3' g3+b3' e3' g3+b3' | e3' g3+b3' c3' g3+c4' |
            b2' f#3+b3' c3' e3+a3' | b2' f#3+a3' b2' d#3+a3' | e3+g3+b3/2' |
            """,
        ),
    ),
)
