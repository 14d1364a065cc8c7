"""A Slurm of one node, this machine, for tests: with a configuration, a key, ports and folders of its own.

    python -m mimidiar.tests.utils.slurm_cluster [COMMAND...]    run COMMAND with this Slurm; the exit code is COMMAND's

Without COMMAND it only tells by its exit code whether Slurm (Debian: slurm-wlm and munge) is installed. Needs no root.
"""

import contextlib
import ctypes
import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo"]
START_SEC = 60.0
# Two CPUs and a GPU whatever the machine has, so that two jobs run at once; a job is started as soon as it is there.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
GresTypes=gpu
KillWait=6
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 Gres=gpu:1 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no Slurm can be started here; empty when one can."""
    missing = [name for name in PROGRAMS if find(name) is None]
    return f"needs Slurm (Debian: slurm-wlm and munge); not found: {' '.join(missing)}" if missing else ""


def find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in taken]


def cgroup_plugin() -> str:
    """None is wanted. Up to 23.11 there is no such choice; then version 1, which does nothing until it is used."""
    shown = subprocess.run([find("slurmctld"), "-V"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", shown).groups())
    return "cgroup/v1" if version < (24, 5) else "disabled"


class Cluster:
    """The daemons and their folder. Commands find them by the environment in `env`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.daemons = folder, {}
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}

    def configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(64))
        key.chmod(0o600)
        host = socket.gethostname().partition(".")[0]
        values = {"host": host, "ports": free_ports(2), "user": getpass.getuser()}
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(folder=self.folder, **values))
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        (self.folder / "cgroup.conf").write_text(f"CgroupPlugin={cgroup_plugin()}\n")

    def start(self, name: str, *options: str) -> None:
        """Start a daemon, which ends when this process does."""
        libc, kill = ctypes.CDLL(None), signal.SIGKILL
        with open(self.folder / f"{name}.log", "ab") as log:
            self.daemons[name] = subprocess.Popen(
                [find(name), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.env,
                preexec_fn=lambda: libc.prctl(1, kill),  # noqa: PLW1509 - 1 is PR_SET_PDEATHSIG; no lock is held
            )

    def start_all(self) -> None:
        """Raises RuntimeError with what the daemons said when the node does not become idle."""
        self.configure()
        at = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munged.pid", "seed-file": "munged.seed"}
        self.start(
            "munged", "--foreground", "--force", *(f"--{name}={self.folder / path}" for name, path in at.items())
        )
        self.wait_for((self.folder / "munge.socket").exists)
        self.start("slurmctld", "-D")
        self.start("slurmd", "-D")
        self.wait_for(lambda: self.ask("sinfo", "--noheader", "--format=%T") == "idle")

    def stop(self, name: str) -> None:
        """TERM, then KILL, and wait until it has gone."""
        daemon = self.daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def stop_all(self) -> None:
        for name in list(self.daemons)[::-1]:
            self.stop(name)
        # What slurmd started goes on without it.
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """All that were started with this configuration, as their environment tells, and have not ended."""
        mark, found = f"SLURM_CONF={self.env['SLURM_CONF']}".encode(), []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
        return found

    def ask(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | self.env)
        return done.stdout.strip()

    def wait_for(self, condition) -> None:
        limit = time.monotonic() + START_SEC
        while not condition():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > limit:
                logs = "".join(f"\n{path.name}:\n{path.read_text()[-2000:]}" for path in self.folder.glob("*.log"))
                raise RuntimeError(f"Slurm did not start{logs}")
            time.sleep(0.1)


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A Slurm that takes jobs. Its folder has a short name, as it holds sockets."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start_all()
            yield cluster
        finally:
            cluster.stop_all()


def main(command: list[str]) -> int:
    if (reason := why_not()) or not command:
        print(f"no Slurm: {reason}" if reason else "Slurm is installed")
        return 1 if reason else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with running_cluster() as cluster:
        return subprocess.run(command, check=False, env=os.environ | cluster.env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
