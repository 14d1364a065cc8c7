"""The typed configuration of a branch's training."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from mimidiar.annotation.turns import LABEL_HZ
from mimidiar.config import Checked, Count, Limit, NotNegative, Positive, Rule, Steps, one_of
from mimidiar.encoders.branch.network import BranchConfig
from mimidiar.simulation.turn_taking import ConversationOptions
from mimidiar.simulation.voices import MOST_VOICES
from mimidiar.training.config import PRECISIONS

Voices = Annotated[int, Limit(lambda number: 1 <= number <= MOST_VOICES, f"between 1 and {MOST_VOICES}")]


@dataclass
class BranchTraining(Checked):
    """`conf/train.yaml` of the branch recipe. `model.input_dim` is taken from the features."""

    model: BranchConfig = field(default_factory=BranchConfig)
    conversations: ConversationOptions = field(default_factory=ConversationOptions)  # all in each epoch
    voices: Voices = 6  # of each speaker: the own one, and others by speed and formants
    crop_sec: Positive = 10.0
    crops_per_conversation: Count = 4  # in an epoch
    batch_size: Count = 32
    epochs: Count = 20
    learning_rate: Positive = 2e-3
    weight_decay: NotNegative = 0.05
    warmup_steps: Steps = 100
    clip_norm: Positive = 1.0
    precision: one_of(PRECISIONS) = "32-true"
    scale: Positive = 24.0  # of cosines, in the softmax over all voices
    margin: NotNegative = 0.1  # which the cosine of the right voice must be larger
    teacher_weight: NotNegative = 1.0  # of 1 - cosine to the teacher's vector
    activity_weight: NotNegative = 1.0
    overlap_weight: NotNegative = 0.5  # of frames in which two speak, in the loss on vectors
    change_weight: Positive = 1.5  # of frames near the beginning or end of a turn

    def rules(self) -> Iterable[Rule]:
        """A rule for the look-aheads."""
        lookaheads = self.model.lookaheads
        fits = bool(lookaheads) and min(lookaheads) >= 0 and len(set(lookaheads)) == len(lookaheads)
        yield "model.lookaheads", lookaheads, fits, "numbers of frames from 0 on, each once"
        longest = max(lookaheads, default=0)
        fits = self.crop_sec * LABEL_HZ > longest
        yield "crop_sec", self.crop_sec, fits, f"longer than the look-ahead, {longest / LABEL_HZ:g} s"
