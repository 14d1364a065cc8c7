"""Which code is running, in repositories made for the purpose."""

import subprocess
from pathlib import Path

import pytest

from mimidiar.commit import UNKNOWN, code_commit, is_clean


def git(root: Path, *words: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(root), *settings, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = (tmp_path / "code").resolve()
    for name in ("mimidiar/a.py", "egs/mini/adapter/results/a.json", "README.md", "egs/mini/adapter/RESULTS.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("old")
    git(root, "init")
    git(root, "add", "-A")
    git(root, "commit", "-m", "first")
    return root


def test_committed_code_has_its_commit(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert code_commit(repository) == commit and is_clean(commit)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("mimidiar/a.py", True),
        ("mimidiar/new.py", True),
        ("egs/mini/adapter/run.sh", True),
        ("mimidiar/results/new.py", True),
        ("README.md", False),
        ("egs/README.md", False),
        ("egs/mini/adapter/RESULTS.md", False),
        ("egs/mini/adapter/results/a.json", False),
        ("egs/ami/fusion/results/new.json", False),
        ("mimidiar/assets/new.safetensors", False),
    ],
)
def test_changes_count_unless_results_or_readme(repository: Path, name: str, counts: bool) -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_text("new")
    commit = code_commit(repository)
    assert commit.endswith("-dirty") == counts and is_clean(commit) != counts


def test_what_git_ignores_and_what_was_removed(repository: Path) -> None:
    (repository / ".git/info/exclude").write_text("exp/\n")
    (repository / "exp").mkdir()
    (repository / "exp/model").write_text("x")
    assert is_clean(code_commit(repository))
    (repository / "mimidiar/a.py").unlink()
    assert not is_clean(code_commit(repository))


def test_without_a_repository_of_its_own_the_code_is_unknown(repository: Path, tmp_path: Path, monkeypatch) -> None:
    assert code_commit(tmp_path) == UNKNOWN and not is_clean(UNKNOWN)
    # Installed into a folder of somebody else's repository: their commit says nothing of this code.
    assert code_commit(repository / "mimidiar") == UNKNOWN
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_commit(repository) == UNKNOWN
