"""The twelve works, one module each: hand-encoded from public-domain scores.

Encoded by ear and memory for texture, not proof-read against an edition.
"""

from scripts.demo_data.work import Work
from scripts.demo_data.works import (
    bach,
    beethoven,
    burgmueller,
    chopin,
    grieg,
    joplin,
    mozart,
    mussorgsky,
    satie,
    schumann,
    strauss,
    tchaikovsky,
)

WORKS: tuple[Work, ...] = tuple(
    module.WORK
    for module in (
        bach,
        beethoven,
        burgmueller,
        chopin,
        grieg,
        joplin,
        mozart,
        mussorgsky,
        satie,
        schumann,
        strauss,
        tchaikovsky,
    )
)
