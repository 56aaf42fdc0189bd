"""Torch models of other people, opened at their spectrogram.

Nearly every transcription model holds its spectrogram at some moment, as the output of a module or
as what a module is given. An :class:`~pi_amt.models.hooked.opening.Opening` names that module and
says what its numbers are. From there on everything that perturbs a spectrogram acts on it. Two
kinds of code stand around such a module:

* :class:`~pi_amt.models.hooked.program.OpenedProgram`: a program from samples to notes, whatever it
  does in between. It sees each recording whole, and calls the module once or in segments.
* :class:`~pi_amt.models.hooked.network.OpenedNetwork`: a network from blocks of samples to
  activations. It streams, and takes the blocks of all conditions as one batch.

Both run twice. The first run is on the sound, to hear what the spectrogram is; it ends at the
module where nothing else is wanted. The second run is on *silence* of the same length, with the
perturbed spectrogram in the place of the module's own. So nothing of the sound can pass by: if a
model has another way in, even its unperturbed spectrogram gives other notes than the model alone.
"""

from pi_amt.models.hooked.network import OpenedNetwork
from pi_amt.models.hooked.opening import LINEAR, Opening, Scale, filterbank_response, log_scale
from pi_amt.models.hooked.program import OpenedProgram, events_of, notes_of

__all__ = [
    "LINEAR",
    "OpenedNetwork",
    "OpenedProgram",
    "Opening",
    "Scale",
    "events_of",
    "filterbank_response",
    "log_scale",
    "notes_of",
]
