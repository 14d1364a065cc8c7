"""Downloads of stage 0: disk space checked first, resumed by HTTP Range, verified, atomic; archives are unpacked."""

import fcntl
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from mimidiar.corpora.unpack import unpack
from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, make_folder, put_in_place, write_text
from mimidiar.log import log

CHUNK = 1 << 20
TIMEOUT_SEC = 60
PATIENCE = 5  # connections in a row that bring less than a chunk before they break
PAUSE_SEC = 2.0
AGENT = "Mozilla/5.0 (compatible; mimidiar)"  # some of the corpora's hosts refuse urllib's own name
REFUSALS = {
    401: "it wants a password",
    403: "it is not given to everybody: register with the publisher",
    404: "there is no such file (any more); the source may have moved",
    429: "too many requests; wait and run the same command again",
}
ALGORITHMS = {32: "md5", 64: "sha256"}  # by the number of hexadecimal digits


@dataclass(frozen=True)
class Archive:
    """One archive. `parts`: (address, published md5 or sha256, or None) of each of its parts, mostly one.

    `done`: the file below the corpus' folder that marks it as unpacked. Sizes in bytes, rounded up. `into`: the folder
    below the corpus' that gets its content.
    """

    parts: tuple[tuple[str, str | None], ...]
    done: str
    packed: float
    unpacked: float
    into: str = ""

    def paths(self, folder: Path) -> list[Path]:
        """The paths of the downloaded parts."""
        return [folder / address.partition("?")[0].rpartition("/")[2] for address, _ in self.parts]


def bring(archives: Sequence[Archive], folder: Path, what: str, headers: Mapping[str, str] | None = None) -> None:
    """Download and unpack the missing `archives` into `folder`; each archive is deleted after unpacking.

    The disk space for all of them is checked first. Interrupted downloads are resumed. Raises MimidiarError.
    """
    wanted = [archive for archive in archives if not (folder / archive.done).is_file()]
    if not wanted:
        log.info(f"{what}: already there, in {folder}")
        return
    there = bytes_there(path for archive in wanted for path in archive.paths(folder))
    need = sum(archive.unpacked for archive in wanted) + max(archive.packed for archive in wanted) - there
    require_space(folder, max(need, 0), f"{what} (archives and what is in them)")
    for archive in wanted:
        paths = archive.paths(folder)
        for path, (address, checksum) in zip(paths, archive.parts, strict=True):
            fetch(address, path, checksum, headers=headers)
        unpack(paths, folder / archive.into)
        mark = folder / archive.done
        make_folder(mark.parent)
        mark.touch()


def require_space(folder: str | Path, num_bytes: float, what: str) -> None:
    """Log the size of `what` and the free space on the disk of `folder` (which may not exist yet).

    Raises MimidiarError with both numbers when it does not fit.
    """
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    log.info(f"{what}: {in_units(num_bytes)} into {folder}, {in_units(free)} free there")
    if free < num_bytes:
        raise MimidiarError(
            f"{folder}: {what} takes {in_units(num_bytes)} and {in_units(free)} are free on this disk; free "
            f"{in_units(num_bytes - free)}, or name a folder on a larger disk"
        )


def bytes_there(paths: Iterable[Path]) -> int:
    """Bytes of these files from earlier calls of `fetch`."""
    places = [place for path in paths for place in (path, path.with_name(f"{path.name}.partial"))]
    return sum(place.stat().st_size for place in places if place.is_file())


def in_units(num_bytes: float) -> str:
    """A size in words: '460 MB', '7.1 GB'."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}" if num_bytes < 10 * size else f"{num_bytes / size:.0f} {unit}"
    return f"{num_bytes:.0f} bytes"


def fetch(
    url: str, path: Path, checksum: str | None = None, size: int | None = None, headers: Mapping[str, str] | None = None
) -> Path:
    """Download `url` to `path` and return it; a file that is there already is only checked.

    An interrupted transfer is kept in `path`.partial, and resumed by the next call unless the server has another
    version by then. `checksum` (md5 or sha256, hexadecimal) and `size` (bytes) are the expected values of the file.
    `headers` (a password) go to the host of the URL alone, not to where it redirects. Raises MimidiarError.
    """
    if path.is_file():
        _check(path, size, checksum, f"{path}: it is there already, but", f"delete it to fetch it again from {url}")
        return path
    make_folder(path.parent)
    transfer = _Transfer(url, path, size, headers or {})
    remedy = "run the same command again; if it persists, so is the source"
    with open(transfer.partial, "ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MimidiarError(f"{path}: another process is fetching it; wait for that one") from None
        try:
            transfer.run(stream)
        except BaseException:
            if not stream.tell():
                transfer.discard()
            raise
    try:
        _check(transfer.partial, size, checksum, f"{url}: what came", remedy)
    except MimidiarError:
        transfer.discard()
        raise
    put_in_place(transfer.partial, path)
    transfer.discard()
    return path


def _check(path: Path, size: int | None, checksum: str | None, subject: str, remedy: str) -> None:
    """Raise MimidiarError unless the file has this size and this checksum."""
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise MimidiarError(f"{subject} has {found_size} bytes, expected {size}; {remedy}")
    if checksum is not None:
        name = ALGORITHMS[len(checksum)]
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, name).hexdigest()
        if found != checksum.lower():
            raise MimidiarError(f"{subject} has the {name} {found}, expected {checksum}; {remedy}")


class _Transfer:
    """One download to `path`.partial; beside it `path`.partial.version keeps which version of the file it is of."""

    def __init__(self, url: str, path: Path, size: int | None, headers: Mapping[str, str]) -> None:
        self.url, self.path, self.size, self.headers = url, path, size, headers
        self.partial = path.with_name(f"{path.name}.partial")
        self.version = path.with_name(f"{path.name}.partial.version")

    def discard(self) -> None:
        for left in (self.partial, self.version):
            left.unlink(missing_ok=True)

    def run(self, stream: BinaryIO) -> None:
        """Fill the partial file. A connection that breaks is made again as long as it brings something."""
        failures = 0
        while True:
            before, total = stream.tell(), None
            try:
                total, reason = self._go_on(stream), "the connection ended early"
            except urllib.error.HTTPError as error:
                meaning = REFUSALS.get(error.code, error.reason)
                raise MimidiarError(f"{self.url}: the server answers {error.code} ({meaning})") from None
            except (OSError, http.client.HTTPException) as error:
                reason = _reason(error, self.path)
            have = stream.tell()
            if have == total:
                return
            failures = 0 if have > before + CHUNK else failures + 1
            if have == before or failures > PATIENCE:
                raise MimidiarError(_broken(self.url, have, total or self.size, reason))
            time.sleep(PAUSE_SEC)

    def _go_on(self, stream: BinaryIO) -> int:
        """Bring what is missing, as far as it comes. Returns the size of the whole; where the server states none, what
        came."""
        have = stream.tell()
        try:
            response = urllib.request.urlopen(self._request(have), timeout=TIMEOUT_SEC)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
                return have  # all of it came before, and only the renaming was missing
            _restart(stream)
            return self._go_on(stream)
        with response:
            if not _continues(response, have):
                _restart(stream)
            length = response.headers.get("Content-Length")
            total = stream.tell() + int(length) if length is not None else None
            if self.size is not None and total not in (None, self.size):
                _restart(stream)
                raise MimidiarError(
                    f"{self.url}: the server has {total} bytes, expected {self.size}; the source has changed"
                )
            self._note_version(response)
            self._write(response, stream, total)
        return stream.tell() if total is None else total

    def _request(self, have: int) -> urllib.request.Request:
        request = urllib.request.Request(self.url, headers={"User-Agent": AGENT})
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        if have:
            request.add_header("Range", f"bytes={have}-")
            if self.version.is_file():
                # Without it a file that was replaced at its source would be glued to the half of the old one.
                request.add_header("If-Range", self.version.read_text(encoding="utf-8").strip())
        return request

    def _note_version(self, response: http.client.HTTPResponse) -> None:
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if mark and not mark.startswith("W/"):  # a weak tag may not be used in If-Range
            write_text(self.version, mark)
        else:
            self.version.unlink(missing_ok=True)

    def _write(self, response: http.client.HTTPResponse, stream: BinaryIO, total: int | None) -> None:
        options = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "disable": None, "desc": self.path.name}
        with tqdm(total=total, initial=stream.tell(), **options) as bar:
            while chunk := response.read(CHUNK):
                try:
                    stream.write(chunk)
                    stream.flush()
                except OSError as error:
                    raise disk_error(error, self.path) from error
                bar.update(len(chunk))


def _restart(stream: BinaryIO) -> None:
    """Forget what came before."""
    stream.seek(0)
    stream.truncate()


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """True when the server sends the part that was asked for; one that knows no ranges sends the whole."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return False
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start != str(have):
        raise OSError(f"the server sends bytes from {start or 'nowhere'}, asked for those from {have}")
    return True


def _reason(error: Exception, path: Path) -> str:
    """Why the network failed, in words. A MimidiarError (full disk) or an error of this disk goes through."""
    if isinstance(error, OSError) and not isinstance(error, (urllib.error.URLError, ConnectionError, TimeoutError)):
        named = disk_error(error, path)
        if named is not error or error.filename is not None:
            raise named from error
    return str(getattr(error, "reason", error)) or type(error).__name__


def _broken(url: str, have: int, total: int | None, reason: str) -> str:
    host = urllib.request.Request(url).host
    if not have:
        return f"{url}: cannot be fetched ({reason}); is {host} reachable from here?"
    whole = f" of {in_units(total)}" if total else ""
    return f"{url}: interrupted after {in_units(have)}{whole} ({reason}); run the same command again, it goes on there"
