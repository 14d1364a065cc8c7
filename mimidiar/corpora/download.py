"""Downloads: disk space checked first, resumed by HTTP Range, verified, and atomic."""

import fcntl
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from mimidiar.errors import MimidiarError
from mimidiar.files import disk_error, make_folder, put_in_place, write_text
from mimidiar.log import log

CHUNK = 1 << 20
TIMEOUT_SEC = 60
PATIENCE = 5  # connections in a row that bring less than a chunk before they break
PAUSE_SEC = 2.0
AGENT = "Mozilla/5.0 (compatible; mimidiar)"  # some of the corpora's hosts refuse urllib's own name


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


def bytes_there(paths: Iterable[str | Path]) -> int:
    """Bytes of these files from earlier calls of `fetch`."""
    places = [place for path in map(Path, paths) for place in (path, path.with_name(f"{path.name}.partial"))]
    return sum(place.stat().st_size for place in places if place.is_file())


def in_units(num_bytes: float) -> str:
    """A size in words: '460 MB', '7.1 GB'."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}" if num_bytes < 10 * size else f"{num_bytes / size:.0f} {unit}"
    return f"{num_bytes:.0f} bytes"


def fetch(
    url: str,
    path: str | Path,
    sha256: str | None = None,
    size: int | None = None,
    md5: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Path:
    """Download `url` to `path` and return it; a file that is there already is only checked.

    An interrupted transfer is kept in `path`.partial, and resumed by the next call unless the server has another
    version by then. `sha256`, `md5` (hexadecimal) and `size` (bytes) are the expected values of the file.
    `headers` (a password) go to the host of the URL alone, not to where it redirects. Raises MimidiarError.
    """
    path = Path(path)
    wanted = {"sha256": sha256, "md5": md5}
    if path.is_file():
        _check(path, size, wanted, f"{path}: it is there already, but", f"delete it to fetch it again from {url}")
        return path
    make_folder(path.parent)
    transfer = _Transfer(url, path, size, headers or {})
    partial = transfer.run()
    try:
        _check(
            partial, size, wanted, f"{url}: what came", "run the same command again; if it persists, so is the source"
        )
    except MimidiarError:
        transfer.discard()
        raise
    put_in_place(partial, path)
    transfer.discard()
    return path


def _check(path: Path, size: int | None, wanted: Mapping[str, str | None], subject: str, remedy: str) -> None:
    """Raise MimidiarError unless the file has this size and these checksums."""
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise MimidiarError(f"{subject} has {found_size} bytes, expected {size}; {remedy}")
    for name, expected in wanted.items():
        if expected is None:
            continue
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, name).hexdigest()
        if found != expected.lower():
            raise MimidiarError(f"{subject} has the {name} {found}, expected {expected}; {remedy}")


class _Transfer:
    """One download to `path`.partial; beside it `path`.partial.version keeps which version of the file it is of."""

    def __init__(self, url: str, path: Path, size: int | None, headers: Mapping[str, str]) -> None:
        self.url, self.path, self.size, self.headers = url, path, size, headers
        self.partial = path.with_name(f"{path.name}.partial")
        self.version = path.with_name(f"{path.name}.partial.version")

    def discard(self) -> None:
        for left in (self.partial, self.version):
            left.unlink(missing_ok=True)

    def run(self) -> Path:
        """The partial file once it is whole. A connection that breaks is made again as long as it brings something."""
        failures = 0
        while True:
            before = self._have()
            try:
                total = self._go_on()
            except urllib.error.HTTPError as error:
                raise MimidiarError(_refusal(self.url, error)) from None
            except (OSError, http.client.HTTPException) as error:
                total, reason = None, _reason(error, self.path)
            else:
                reason = "the connection ended early"
            have = self._have()
            if total is not None and have == total:
                return self.partial
            failures = 0 if have > before + CHUNK else failures + 1
            if have == before or failures > PATIENCE:
                raise MimidiarError(_broken(self.url, have, total or self.size, reason))
            time.sleep(PAUSE_SEC)

    def _have(self) -> int:
        return self.partial.stat().st_size if self.partial.is_file() else 0

    def _request(self, have: int) -> urllib.request.Request:
        request = urllib.request.Request(self.url, headers={"User-Agent": AGENT})
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        if have and self.version.is_file():
            request.add_header("Range", f"bytes={have}-")
            # Without it a file that was replaced at its source would be glued to the half of the old one.
            request.add_header("If-Range", self.version.read_text(encoding="utf-8").strip())
        elif have:
            request.add_header("Range", f"bytes={have}-")
        return request

    def _go_on(self) -> int | None:
        """Bring what is missing, as far as it comes. Returns the size of the whole; None when the server says none and
        the transfer broke."""
        have = self._have()
        try:
            response = urllib.request.urlopen(self._request(have), timeout=TIMEOUT_SEC)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
                return have  # all of it came before, and only the renaming was missing
            self.discard()
            return self._go_on()
        with response:
            if not _continues(response, have):
                have = 0  # from the beginning
            length = response.headers.get("Content-Length")
            total = have + int(length) if length is not None else None
            self._note_version(response)
            self._refuse_other_size(total)
            self._write(response, have, total)
        # Without a stated length the end of the transfer is the end of the file.
        return self._have() if total is None else total

    def _note_version(self, response: http.client.HTTPResponse) -> None:
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if mark and not mark.startswith("W/"):  # a weak tag may not be used in If-Range
            write_text(self.version, mark)
        else:
            self.version.unlink(missing_ok=True)

    def _refuse_other_size(self, total: int | None) -> None:
        if self.size is not None and total is not None and total != self.size:
            self.discard()
            message = f"{self.url}: the server has {total} bytes, expected {self.size}; the source has changed"
            raise MimidiarError(message)

    def _write(self, response: http.client.HTTPResponse, have: int, total: int | None) -> None:
        options = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "disable": None, "desc": self.path.name}
        with open(self.partial, "ab") as stream, tqdm(total=total, initial=have, **options) as bar:
            self._alone(stream, have)
            while chunk := response.read(CHUNK):
                try:
                    stream.write(chunk)
                    stream.flush()
                except OSError as error:
                    raise disk_error(error, self.path) from error
                bar.update(len(chunk))

    def _alone(self, stream: BinaryIO, have: int) -> None:
        """Raise unless this process is the only one that writes the partial file; it goes on after `have` bytes."""
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MimidiarError(f"{self.path}: another process is fetching it; wait for that one") from None
        if have == 0:
            stream.truncate(0)
        elif stream.tell() != have:
            raise ConnectionError(f"{self.partial} was written by another process")


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """True when the server sends the part that was asked for; one that knows no ranges sends the whole."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return False
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start != str(have):
        raise OSError(f"the server sends bytes from {start or 'nowhere'}, asked for those from {have}")
    return True


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    meaning = {
        401: "it wants a password",
        403: "it is not given to everybody: register with the publisher",
        404: "there is no such file (any more); the source may have moved",
        429: "too many requests; wait and run the same command again",
    }
    return f"{url}: the server answers {error.code} ({meaning.get(error.code, error.reason)})"


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
