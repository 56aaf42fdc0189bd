"""Writes SOURCES.md: where every file of the demo comes from and under which licence."""

import hashlib
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.demo_data.audio import FLUIDSYNTH, NOISE_DBFS, SOUNDFONT, VORBIS_COMPRESSION
from scripts.demo_data.work import Work

_COPYRIGHT = Path("/usr/share/doc/fluid-soundfont-gm/copyright")

_HEAD = """\
# Sources and licences of the demo dataset

Written by `python scripts/demo_data/build.py`; do not edit by hand.

## Scores

Every work is in the public domain: its composer died more than a hundred years ago. Every score
excerpt was encoded by hand for pi_amt, from memory of the public-domain work, in
`scripts/demo_data/works/`. No third party's encoding was used. The encodings have not
been proof-read against an edition: details of voicing and ornament may differ from the score.
Tempo, velocities and pedal are our own (`performance.py`). Encodings, MIDI files and this
package are licensed under Apache-2.0.

| id | composer | work | excerpt |
|---|---|---|---|
"""

_SOUND = """
## Sound

Rendered from the MIDI files of this folder with the piano (program 0) of the SoundFont FluidR3 GM
(Debian package `fluid-soundfont-gm` {font_version}, `{font}`, sha256 `{font_hash}`), by
{fluidsynth}:

```
{command} -F WAVE {font} MIDI
```

then cut to the length in `tracks.json`, brought to a peak level of its own per excerpt
(-6 to -1.5 dBFS), given pink noise at {noise:g} dBFS (a room is never silent) and written as Ogg
Vorbis (44.1 kHz, stereo, libsndfile compression level {compression}). No time shift is applied.

The SoundFont is released under the MIT licence. Its copyright and licence, from Debian's
`{copyright}`:

```
{licence}
```

## Files

| file | bytes | sha256 |
|---|---|---|
"""


def write_sources(folder: Path, works: Sequence[Work]) -> None:
    """Write ``folder``/SOURCES.md; every other file of the folder must be there already."""
    text = _HEAD
    for work in works:
        text += f"| `{work.id}` | {work.composer} | {work.title}, {work.catalogue} "
        text += f"| {work.excerpt} |\n"
    text += _SOUND.format(
        font=SOUNDFONT,
        font_version=_output("dpkg-query", "-W", "-f", "${Version}", "fluid-soundfont-gm"),
        font_hash=_sha256(SOUNDFONT),
        fluidsynth=_output("fluidsynth", "--version").splitlines()[0],
        command=shlex.join(FLUIDSYNTH),
        noise=NOISE_DBFS,
        compression=VORBIS_COMPRESSION,
        copyright=_COPYRIGHT,
        licence="\n".join(line.rstrip() for line in _COPYRIGHT.read_text("utf-8").splitlines()),
    )
    for path in sorted(folder.iterdir()):
        if path.suffix in {".mid", ".ogg", ".json"}:
            text += f"| `{path.name}` | {path.stat().st_size} | `{_sha256(path)}` |\n"
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
