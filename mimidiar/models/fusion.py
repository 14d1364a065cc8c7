"""A codec's features and speaker embeddings as the input of one adapter (Exp 3).

Concatenation, as in the paper, does not need this module: it is an adapter on fused features (`mimidiar feats fuse`).
But a network on the embeddings themselves memorizes the speakers of its training set. Speakers of a new conversation
differ by the similarity of their frames. So the adapter gets similarities alone: the cosine of each frame to a few
anchors, which are embeddings found in the window. Target-speaker VAD (Medennikov et al., 2020) uses enrolled speakers
in their place.
"""

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mimidiar.encoders.normalization import FeatureNorm
from mimidiar.models.adapter import Adapter, AdapterConfig


@dataclass
class FusionConfig:
    """How the speaker stream enters. All but the first two values are estimated on the training set unless given."""

    anchors: int = 4  # anchors to find in a window
    codec_dim: int = 16  # dimensions of the projected codec stream; with more it dominates the similarities
    same_voice: float | None = None  # cosine at which two frames are as likely of one speaker as of two
    softness: float | None = None  # increase of the cosine at which the odds are e to 1
    streams: list[int] | None = None  # dimensions of the codec's stream (may be 0) and of the embeddings
    stacked: int = 1  # frames of the store in a label frame


class FusedAdapter(nn.Module):
    """An adapter on [codec's features, normalized and projected | similarity of the frame to the anchors]."""

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
    """Embeddings -> similarity to the anchors of the window; without weights, so that no speaker can be memorized."""

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

        K log odds (over 4, so that they are about 1) that the frame is of anchor k's speaker, 0 in silence; K shares of
        the speech that no earlier anchor accounts for when k is chosen, the same in all frames: a small share means
        that the speaker has an anchor already; and whether there is speech.
        """
        # In single precision whatever the adapter's: the rounding of a cosine in half precision is large beside
        # `softness`.
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = F.normalize(embeddings, dim=-1)
            speech = embeddings.norm(dim=-1) > 0
            anchors, share = self.choose(unit, speech)
            odds = self._odds(unit @ anchors.transpose(1, 2)) / 4 * speech[..., None]
        shares = share[:, None].expand(-1, unit.shape[1], -1)
        return torch.cat([odds, shares, speech[..., None].to(unit)], dim=-1)

    def choose(self, unit: Tensor, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (B, T, E), speech (B, T) -> anchors (B, K, E), and the share (B, K) of speech new with each.

        The first anchor is the frame that is similar to most frames, as their mean. Each next one is similar to most
        frames, but least to the anchors before it: farthest-first traversal (Gonzalez, 1985), weighted, so that it does
        not choose outliers.
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

    def _settle(self, anchor: Tensor, unit: Tensor, speech: Tensor) -> Tensor:
        """Move an anchor (B, E) to the mean of the frames of its speaker, twice."""
        for _ in range(2):
            weight = self._odds((unit @ anchor[..., None])[..., 0]).sigmoid() * speech
            anchor = F.normalize((weight[..., None] * unit).sum(1), dim=-1)
        return anchor

    def _odds(self, cosine: Tensor) -> Tensor:
        return (cosine - self.same_voice) / self.softness


def build_fused(config: AdapterConfig, fusion: FusionConfig) -> FusedAdapter:
    """A fused adapter with fresh weights; `config.input_dim` is that of the features. ValueError for impossible
    values."""
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
        nn.init.zeros_(codec.weight)  # training begins with the similarities alone, and adds the codec where it helps
    inner = replace(config, input_dim=anchors.dim + (fusion.codec_dim if codec else 0), feature_noise=0.0)
    features = FeatureNorm(config.input_dim, config.feature_noise)
    return FusedAdapter(Adapter(**asdict(inner)), features, codec, anchors, streams, fusion.stacked)
