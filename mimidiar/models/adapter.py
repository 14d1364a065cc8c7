"""The diarization adapter: features of a frozen codec in, one activity logit per output and frame.

Two variants of one module. The default has pre-norm layers and rotary positions (Su et al., 2021), so that the length
of the input is free. That of the original study has post-norm layers and absolute sinusoidal positions (Vaswani et al.,
2017): `norm="post", positions="sinusoidal"`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mimidiar.encoders.normalization import FeatureNorm


@dataclass
class AdapterConfig:
    """The arguments of an adapter."""

    input_dim: int = 512
    model_dim: int = 384
    num_layers: int = 4
    num_heads: int = 6
    ff_dim: int = 1536
    dropout: float = 0.1
    feature_noise: float = 0.0  # in training, in deviations of the feature itself
    attention_dropout: float = 0.1  # of attention weights; on a CPU this takes as long as the attention itself
    max_speakers: int = 4
    norm: str = "pre"  # pre | post
    positions: str = "rotary"  # rotary | sinusoidal
    rotary_share: float = 0.5  # of a head's dimensions; the others have no positions
    rotary_period: float = 50.0  # tokens in which the slowest rotary dimension turns by 1 rad
    frames_per_token: int = 1  # frames concatenated to a token: with 2 the layers take a third of the time


class Adapter(nn.Module):
    """Linear -> num_layers Transformer layers -> one logit per output."""

    def __init__(
        self,
        input_dim: int,
        model_dim: int,
        num_layers: int,
        num_heads: int,
        ff_dim: int,
        dropout: float,
        feature_noise: float,
        attention_dropout: float,
        max_speakers: int,
        norm: str,
        positions: str,
        rotary_share: float,
        rotary_period: float,
        frames_per_token: int,
    ):
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f"norm is '{norm}'; choose pre or post")
        if positions not in ("rotary", "sinusoidal"):
            raise ValueError(f"positions is '{positions}'; choose rotary or sinusoidal")
        if frames_per_token < 1:
            raise ValueError(f"frames_per_token is {frames_per_token}; at least 1")
        self.max_speakers, self.frames_per_token = max_speakers, frames_per_token
        self.sinusoidal = positions == "sinusoidal"
        self.features = FeatureNorm(input_dim, feature_noise)
        self.input = nn.Linear(frames_per_token * input_dim, model_dim)
        self.dropout = nn.Dropout(dropout)
        turned = 0 if self.sinusoidal else rotary_dims(model_dim // num_heads, rotary_share)
        self.layers = nn.ModuleList(
            TransformerLayer(
                SelfAttention(model_dim, num_heads, attention_dropout, turned, rotary_period), ff_dim, dropout, norm
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(model_dim) if norm == "pre" else nn.Identity()
        self.output = nn.Linear(model_dim, frames_per_token * max_speakers)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """features (B, T, input_dim), mask (B, T) true on real frames -> logits (B, T, max_speakers)."""
        tokens, mask = group_frames(self.features(features), mask, self.frames_per_token)
        x = self.input(tokens)
        if self.sinusoidal:
            x = x + sinusoidal_positions(x.shape[1], x.shape[2], x.device)
        x = self.dropout(x)
        # Attention without a mask is a tenth faster.
        attended = None if mask is None or mask.all() else mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, attended)
        frames = self.output(self.norm(x)).unflatten(2, (self.frames_per_token, self.max_speakers)).flatten(1, 2)
        return frames[:, : features.shape[1]]


def group_frames(x: Tensor, mask: Tensor | None, size: int) -> tuple[Tensor, Tensor | None]:
    """Frames (B, T, D) -> tokens (B, ceil(T / size), size * D), and a mask (B, T) -> (B, ceil(T / size)).

    Frames that are missing to the last token, or masked out, are zeros; a token with one real frame is real.
    """
    if size == 1:
        return x, mask
    missing = -x.shape[1] % size
    if mask is not None:
        x, mask = x * mask[..., None], F.pad(mask, (0, missing)).unflatten(1, (-1, size)).any(-1)
    return F.pad(x, (0, 0, 0, missing)).unflatten(1, (-1, size)).flatten(2), mask


class TransformerLayer(nn.Module):
    """Self-attention and feed-forward with residuals; `norm` before each block (pre) or after each sum (post)."""

    def __init__(self, attention: "SelfAttention", ff_dim: int, dropout: float, norm: str):
        super().__init__()
        self.pre = norm == "pre"
        self.attention = attention
        model_dim = attention.output.in_features
        self.feed_forward = nn.Sequential(
            nn.Linear(model_dim, ff_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(ff_dim, model_dim)
        )
        self.norm1, self.norm2 = nn.LayerNorm(model_dim), nn.LayerNorm(model_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, attended: Tensor | None) -> Tensor:
        """x (B, T, D), attended (B, 1, 1, T) true on keys to attend to, or None -> (B, T, D)."""
        if self.pre:
            x = x + self.dropout(self.attention(self.norm1(x), attended))
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.dropout(self.attention(x, attended)))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


class SelfAttention(nn.Module):
    """Multi-head self-attention over the whole window; the first `turned` dimensions of a head have rotary positions.

    The rest compare content alone at any distance, so that a speaker is recognized again after a minute. With all
    dimensions turned, distances unseen in training would disturb the comparison in longer windows.
    """

    def __init__(self, model_dim: int, num_heads: int, dropout: float, turned: int, period: float):
        super().__init__()
        if model_dim % num_heads:
            raise ValueError(f"model_dim {model_dim} is not a multiple of num_heads {num_heads}")
        self.num_heads, self.dropout, self.turned, self.period = num_heads, dropout, turned, period
        self.projection = nn.Linear(model_dim, 3 * model_dim)
        self.output = nn.Linear(model_dim, model_dim)

    def forward(self, x: Tensor, attended: Tensor | None) -> Tensor:
        batch, length, dim = x.shape
        heads = self.projection(x).view(batch, length, 3, self.num_heads, dim // self.num_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, D / H)
        if self.turned:
            query, key = (rotate(x, self.turned, self.period) for x in (query, key))
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=attended, dropout_p=dropout)
        return self.output(mixed.transpose(1, 2).reshape(batch, length, dim))


def rotary_dims(head_dim: int, share: float) -> int:
    """The even number of dimensions of a head nearest to `share` of it. ValueError unless 0 <= share <= 1."""
    if not 0 <= share <= 1:
        raise ValueError(f"rotary_share is {share}; it must lie in 0 ... 1")
    return round(head_dim * share / 2) * 2


def rotate(x: Tensor, dims: int, period: float) -> Tensor:
    """Turn pairs of the first `dims` dimensions of (..., T, D) by angles proportional to the frame's index.

    Products of two frames then depend on their distance alone (Su et al., 2021). The speeds fall from 1 to about
    1 / period rad per frame.
    """
    speed = period ** (-torch.arange(dims // 2, device=x.device, dtype=torch.float32) * 2 / dims)
    angle = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)[:, None] * speed
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second, rest = x.split([dims // 2, dims // 2, x.shape[-1] - dims], dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos, rest], dim=-1)


def sinusoidal_positions(length: int, dim: int, device: torch.device) -> Tensor:
    """(length, dim): sines in even, cosines in odd dimensions (Vaswani et al., 2017, section 3.5)."""
    speed = 10000.0 ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * speed
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
