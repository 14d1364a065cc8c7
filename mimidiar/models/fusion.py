"""A codec's features and speaker embeddings as the input of one adapter (Exp 3).

Concatenation, as the paper has it, needs nothing of this module: an adapter on fused features (`mimidiar fuse`) is just
that. But a network that sees the embeddings themselves learns the voices of its training set. What tells speakers of a
new conversation apart is how alike their frames are. So here the adapter is given the embeddings' likeness alone: the
cosine of each frame to a few anchors, the voices that a window is found to hold. Target-speaker VAD (Medennikov et al.,
2020) has enrolled voices in their place.
"""

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mimidiar.models.adapter import Adapter, AdapterConfig
from mimidiar.models.feature_norm import FeatureNorm


@dataclass
class FusionConfig:
    """How the speaker stream enters. All but the first two is found on the training set where it is not given."""

    anchors: int = 4  # voices that are looked for in a window
    codec_dim: int = 16  # the codec's stream is brought to so many dimensions, or it drowns the few of the likeness
    same_voice: float | None = None  # cosine at which two frames are as likely of one voice as of two
    softness: float | None = None  # by so much more cosine the odds are e to 1
    streams: list[int] | None = None  # dimensions of the codec's stream (may be 0) and of the embeddings
    stacked: int = 1  # frames of the store in a label frame


class FusedAdapter(nn.Module):
    """An adapter on [codec's features, normalized and projected | likeness of the frame's voice to the anchors]."""

    def __init__(
        self,
        adapter: Adapter,
        features: FeatureNorm,
        codec: nn.Linear | None,
        anchors: "Anchors",
        streams: list[int],
        stacked: int,
    ):
        super().__init__()
        self.adapter, self.features, self.codec, self.anchors = adapter, features, codec, anchors
        self.streams, self.stacked = streams, stacked

    @property
    def max_speakers(self) -> int:
        return self.adapter.max_speakers

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """features (B, T, stacked * (D + E)), mask (B, T) true on real frames -> logits (B, T, max_speakers)."""
        shape = (self.stacked, sum(self.streams))
        embeddings = features.unflatten(-1, shape)[..., self.streams[0] :].mean(-2)
        if mask is not None:
            embeddings = embeddings * mask[..., None]
        x = self.anchors(embeddings)
        if self.codec is not None:
            codec = self.features(features).unflatten(-1, shape)[..., : self.streams[0]].flatten(-2)
            x = torch.cat([self.codec(codec), x], dim=-1)
        return self.adapter(x, mask)


class Anchors(nn.Module):
    """Embeddings -> likeness to the voices of the window; without weights, so that no voice can be learnt by heart."""

    def __init__(self, count: int, same_voice: float, softness: float):
        super().__init__()
        if count < 1 or softness <= 0 or not -1 < same_voice < 1:
            raise ValueError(
                f"fusion: {count} anchors, same_voice {same_voice:g}, softness {softness:g}; at least 1 anchor, a "
                "cosine between -1 and 1, and a softness above 0"
            )
        self.count, self.same_voice, self.softness = count, same_voice, softness

    @property
    def dim(self) -> int:
        """Columns of the result."""
        return 2 * self.count + 1

    @torch.no_grad()
    def forward(self, embeddings: Tensor) -> Tensor:
        """(B, T, E), 0 where nobody speaks -> (B, T, 2 K + 1).

        K log odds (over 4, so that they are about 1) that the frame is of anchor k's voice, 0 in silence; K times how
        much of the speech no earlier anchor accounts for when k is chosen, the same in all frames: an anchor with
        little is a voice that was had before; and whether there is speech.
        """
        # In single precision, whatever the adapter runs in: a half's rounding of a cosine is a good part of `softness`.
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = F.normalize(embeddings, dim=-1)
            speech = embeddings.norm(dim=-1) > 0
            anchors, share = self.choose(unit, speech)
            odds = self._odds(unit @ anchors.transpose(1, 2)) / 4 * speech[..., None]
        shares = share[:, None].expand(-1, unit.shape[1], -1)
        return torch.cat([odds, shares, speech[..., None].to(unit)], dim=-1)

    def choose(self, unit: Tensor, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (B, T, E), speech (B, T) -> anchors (B, K, E), and the share (B, K) of speech new with each.

        The frame that most frames are like is the first anchor, as the mean of those; of the others each time the one
        that most frames are like, and that is least like the anchors before it: farthest-first traversal (Gonzalez,
        1985), weighted, so that it does not go for the odd frame.
        """
        alike = self._odds(unit @ unit.transpose(1, 2)).sigmoid() * (speech[:, :, None] & speech[:, None, :])
        crowd, new = alike.sum(-1), speech.to(unit)
        total = crowd.amax(-1).clamp(min=1)
        anchors, shares = [], []
        for _ in range(self.count):
            value, place = (crowd * new).max(-1)
            anchor = self._settle(unit[torch.arange(len(unit), device=unit.device), place], unit, speech)
            anchors.append(anchor)
            shares.append(value / total)
            new = new * (1 - self._odds((unit @ anchor[..., None])[..., 0]).sigmoid())
        return torch.stack(anchors, dim=1), torch.stack(shares, dim=1)

    def _settle(self, anchor: Tensor, unit: Tensor, speech: Tensor, steps: int = 2) -> Tensor:
        """Move an anchor (B, E) to the mean of the frames that are of its voice, twice."""
        for _ in range(steps):
            weight = self._odds((unit @ anchor[..., None])[..., 0]).sigmoid() * speech
            anchor = F.normalize((weight[..., None] * unit).sum(1), dim=-1)
        return anchor

    def _odds(self, cosine: Tensor) -> Tensor:
        return (cosine - self.same_voice) / self.softness


def build_fused(config: AdapterConfig, fusion: FusionConfig) -> FusedAdapter:
    """A fused adapter with fresh weights; `config.input_dim` is that of the features. ValueError for what cannot be."""
    streams = fusion.streams or [0, config.input_dim]
    if fusion.same_voice is None or fusion.softness is None:
        raise ValueError("fusion.same_voice and fusion.softness are not known; training finds them")
    if fusion.stacked * sum(streams) != config.input_dim or fusion.codec_dim < 1:
        raise ValueError(
            f"fusion of {fusion.stacked} x {streams} dimensions on {config.input_dim}, the codec's brought to "
            f"{fusion.codec_dim}"
        )
    anchors = Anchors(fusion.anchors, fusion.same_voice, fusion.softness)
    codec = nn.Linear(fusion.stacked * streams[0], fusion.codec_dim) if streams[0] else None
    if codec is not None:
        nn.init.zeros_(codec.weight)  # training begins with the likeness alone, and takes of the codec what helps
    inner = replace(config, input_dim=anchors.dim + (fusion.codec_dim if codec else 0), feature_noise=0.0)
    features = FeatureNorm(config.input_dim, config.feature_noise)
    return FusedAdapter(Adapter(**asdict(inner)), features, codec, anchors, streams, fusion.stacked)
