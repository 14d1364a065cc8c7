"""The speaker branch beside a codec: its network, and both together as an encoder."""

ACTIVITIES = 2  # values of a frame behind the vector: the probabilities of speech and of overlap
SPEECH = 0.5  # a probability above it is speech
