import hashlib
import io
import json
import stat
import struct
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onet import archive, fetch
from onet.fetch import FetchError, fetch_release, verify_release
from onet.release import load_release

VERSION = "99.1"
FOLDER = "db_99_1_text/"


class Server(ThreadingHTTPServer):
    """Serves `files` by path; other paths misbehave in the ways a real server can."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.is_done = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        content = self.server.files.get(self.path, b"x" * 1000)
        if self.path in ("/loop", "/moved", "/away"):
            target = {"/loop": "/loop", "/moved": "/good", "/away": "http://example.invalid/"}
            return self._answer(302, {"Location": target[self.path]}, b"")
        if self.path in ("/truncated", "/stall"):
            self._answer(200, {"Content-Length": str(len(content) + 100)}, content)
            if self.path == "/stall":
                self.server.is_done.wait(10)
            return None
        status = 200 if self.path in self.server.files else 404
        return self._answer(status, {"Content-Length": str(len(content))}, content)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def server(invented, monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        running.files["/good"] = zip_of(invented)
        yield running
        running.is_done.set()
        running.shutdown()
        thread.join()


def zip_of(
    files: dict[str, str],
    *,
    folder: str = FOLDER,
    more: tuple[tuple[zipfile.ZipInfo | str, bytes], ...] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as zip_file:
        for name, text in files.items():
            zip_file.writestr(folder + name, text)
        for member, content in more:
            zip_file.writestr(member, content, compression)
    return target.getvalue()


def member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (mode | 0o644) << 16
    return info


def patched(content: bytes, offset: int, value: bytes) -> bytes:
    """Changes a field of the first entry of the central directory."""
    start = content.index(b"PK\x01\x02") + offset
    return content[:start] + value + content[start + len(value) :]


def exchange_for_link(path: Path) -> None:
    """The content stays the same, but lies where somebody else can change it."""
    outside = path.parent.parent / "outside.txt"
    path.rename(outside)
    path.symlink_to(outside)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_release_is_fetched_checked_and_recorded(server, invented, tmp_path):
    found = fetch_release(VERSION, tmp_path / "onet", url=server.url("/good"))
    assert found.path == tmp_path / "onet" / VERSION
    assert found.sha256 == sha256(server.files["/good"])
    assert found.file_count == len(invented)
    record = json.loads((found.path / "release.json").read_text())
    assert record == {
        "version": VERSION,
        "url": server.url("/good"),
        "sha256": found.sha256,
        "files": {name: sha256(text.encode()) for name, text in invented.items()},
    }
    assert load_release(found.path).name == VERSION
    assert verify_release(found.path) == found
    assert [path.name for path in (tmp_path / "onet").iterdir()] == [VERSION]


@pytest.mark.parametrize(("path", "folder"), [("/moved", FOLDER), ("/good", ""), ("/good", FOLDER)])
def test_redirects_and_both_layouts_are_followed(path, folder, server, invented, tmp_path):
    directory = [(folder, b"")] if folder else []
    server.files["/good"] = zip_of(invented, folder=folder, more=tuple(directory))
    assert fetch_release(VERSION, tmp_path, url=server.url(path)).file_count == len(invented)


def test_the_default_address_is_that_of_onet(monkeypatch, tmp_path):
    asked = []

    def refuse(url: str, *arguments: object, **options: object) -> str:
        asked.append(url)
        raise FetchError("offline")

    monkeypatch.setattr(fetch, "_download", refuse)
    with pytest.raises(FetchError, match="offline"):
        fetch_release("30.1", tmp_path)
    assert asked == ["https://www.onetcenter.org/dl_files/database/db_30_1_text.zip"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/missing", "the server answered 404"),
        ("/loop", "redirects too often"),
        ("/away", "must be https"),
        ("/truncated", "failed with RemoteProtocolError"),
        ("/stall", "was silent for 0.3 s"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(path, message, server, tmp_path):
    with pytest.raises(FetchError, match=message):
        fetch_release(VERSION, tmp_path, url=server.url(path), timeout_seconds=0.3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": "30"}, "must be two numbers"),
        ({"version": "../30.1"}, "must be two numbers"),
        ({"version": "30.1\n"}, "must be two numbers"),
        ({"version": "٣٠.١"}, "must be two numbers"),
        ({"sha256": "ABC"}, "64 hexadecimal digits"),
        ({"url": "http://example.invalid/x.zip"}, "must be https"),
        ({"url": "https://user:secret@example.invalid/x.zip"}, "must not carry a password"),
        ({"url": "ftp://example.invalid/x.zip", "sha256": "0" * 64}, "UnsupportedProtocol"),
        ({"url": "file:///x.zip", "sha256": "0" * 64}, "UnsupportedProtocol"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_fetched(arguments, message, tmp_path):
    with pytest.raises(FetchError, match=message) as caught:
        fetch_release(**{"version": VERSION, "destination": tmp_path, **arguments})
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_download_has_limits_of_size_and_time(server, monkeypatch, tmp_path):
    size, url = len(server.files["/good"]), server.url("/good")
    for name, limit, message in [
        ("MAX_ARCHIVE_BYTES", size - 1, "is larger than"),
        ("MAX_SECONDS", -1.0, "takes longer than"),
    ]:
        with monkeypatch.context() as limited:
            limited.setattr(fetch, name, limit)
            with pytest.raises(FetchError, match=message):
                fetch_release(VERSION, tmp_path, url=url)
        assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(fetch, "MAX_ARCHIVE_BYTES", size)
    assert fetch_release(VERSION, tmp_path, url=url).file_count


def test_an_archive_must_have_the_sha256_that_was_given(server, tmp_path):
    url, right = server.url("/good"), sha256(server.files["/good"])
    with pytest.raises(FetchError, match="has another sha256"):
        fetch_release(VERSION, tmp_path, url=url, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []
    assert fetch_release(VERSION, tmp_path, url=url, sha256=right).sha256 == right


LINK, DEVICE, FIFO = stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO
EXTRA = FOLDER + "Extra.txt"
UNSAFE_NAME = "unsafe file name"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([("../evil.txt", b"x")], UNSAFE_NAME),
        ([(FOLDER + "../evil.txt", b"x")], UNSAFE_NAME),
        ([("/tmp/evil.txt", b"x")], UNSAFE_NAME),
        ([("C:/evil.txt", b"x")], UNSAFE_NAME),
        ([(FOLDER + "..\\evil.txt", b"x")], UNSAFE_NAME),
        ([(FOLDER + ".hidden", b"x")], UNSAFE_NAME),
        ([(FOLDER + "a\nb.txt", b"x")], UNSAFE_NAME),
        ([(FOLDER + "../", b"")], UNSAFE_NAME),
        ([(member(EXTRA, LINK), b"/etc/passwd")], "link, device"),
        ([(member(EXTRA, DEVICE), b"")], "link, device"),
        ([(member(EXTRA, FIFO), b"")], "link, device"),
        ([(member(FOLDER + "link/", LINK), b"/etc")], "link, device"),
        ([("other/Extra.txt", b"x")], "do not lie together"),
        ([(FOLDER + "deeper/Extra.txt", b"x")], "do not lie together"),
        ([(FOLDER + "READ ME.txt", b"x")], "two files of the same name"),
        ([(FOLDER + "release.json", b"{}")], "must not bring a release.json"),
        ([(FOLDER + f"{n}.txt", b"x") for n in range(archive.MAX_FILES)], "more than 500 files"),
        ([(EXTRA, b"0" * 5_000_000)], "more than 100 times"),
    ],
)
def test_an_unsafe_archive_is_refused_and_leaves_nothing_behind(
    more, message, server, invented, tmp_path
):
    server.files["/bad"] = zip_of(invented, more=tuple(more))
    with pytest.raises(FetchError, match=message):
        fetch_release(VERSION, tmp_path / "onet", url=server.url("/bad"))
    assert list((tmp_path / "onet").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["onet"]


def test_an_archive_with_one_more_plain_file_is_accepted(server, invented, tmp_path):
    """The control of the unsafe archives: what they add to the release is what is refused."""
    extra = (member(EXTRA, stat.S_IFREG), b"x")
    server.files["/more"] = zip_of(invented, more=(extra,))
    found = fetch_release(VERSION, tmp_path, url=server.url("/more"))
    assert found.file_count == len(invented) + 1


def test_limits_of_an_archive_decide_and_nothing_else(server, invented, monkeypatch, tmp_path):
    server.files["/big"] = zip_of(invented, more=((EXTRA, b"0" * 2_000_000),))
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    with monkeypatch.context() as limited:
        limited.setattr(archive, "MAX_UNPACKED_BYTES", 2_000_000)
        with pytest.raises(FetchError, match="unpacks to more"):
            fetch_release(VERSION, tmp_path, url=server.url("/big"))
    assert fetch_release(VERSION, tmp_path, url=server.url("/big")).file_count


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda zipped: b"<html>no zip</html>", "no zip file"),
        (lambda zipped: zipped[: len(zipped) // 2], "no zip file"),
        (lambda zipped: zipped.replace(b"Lamp Auditors", b"Lamp Editors!"), "a damaged one"),
        (lambda zipped: patched(zipped, 8, b"\x01"), "is encrypted"),
        (lambda zipped: patched(zipped, 10, b"\x0c"), "other than deflate"),
        (lambda zipped: patched(zipped, 20, struct.pack("<I", 1 << 20)), "overlap"),
        (lambda zipped: zipped.replace(b"DWA Reference", b"Read Me.txt\0a"), UNSAFE_NAME),
    ],
)
def test_a_damaged_archive_is_refused(damage, message, server, invented, tmp_path):
    server.files["/bad"] = damage(zip_of(invented, compression=zipfile.ZIP_STORED))
    with pytest.raises(FetchError, match=message):
        fetch_release(VERSION, tmp_path, url=server.url("/bad"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Task Statements.txt", None, "release: Task Statements.txt: is missing"),
        ("Task Statements.txt", "Task ID\n1\n", "release: Task Statements.txt: column"),
        ("Read Me.txt", "O*NET 98.0 Database", "release: is 98.0, not 99.1"),
        ("Read Me.txt", "Worktally starter taxonomy 1.0", "release: is starter-1, not 99.1"),
    ],
)
def test_an_archive_must_hold_the_release_that_was_asked_for(
    file, text, message, server, invented, tmp_path
):
    files = {**invented, file: text} if text else {n: t for n, t in invented.items() if n != file}
    server.files["/bad"] = zip_of(files)
    with pytest.raises(FetchError, match=message):
        fetch_release(VERSION, tmp_path, url=server.url("/bad"))
    assert list(tmp_path.iterdir()) == []


def test_a_second_fetch_downloads_nothing_and_verifies(server, tmp_path):
    url = server.url("/good")
    first = fetch_release(VERSION, tmp_path, url=url)
    assert fetch_release(VERSION, tmp_path, url=url) == first
    assert server.requests == ["/good"]
    (first.path / "Read Me.txt").write_text("changed")
    with pytest.raises(FetchError, match="files differ"):
        fetch_release(VERSION, tmp_path, url=url)
    assert fetch_release(VERSION, tmp_path, url=url, replace=True) == first


def test_another_archive_replaces_a_release_only_when_asked(server, invented, tmp_path):
    old = fetch_release(VERSION, tmp_path, url=server.url("/good"))
    new = zip_of({**invented, "More.txt": "x"})
    server.files["/new"] = new
    with pytest.raises(FetchError, match="from another archive"):
        fetch_release(VERSION, tmp_path, url=server.url("/new"), sha256=sha256(new))
    with pytest.raises(FetchError, match="404"):
        fetch_release(VERSION, tmp_path, url=server.url("/missing"), replace=True)
    assert verify_release(old.path) == old
    found = fetch_release(VERSION, tmp_path, url=server.url("/new"), replace=True)
    assert (found.sha256, found.file_count) == (sha256(new), old.file_count + 1)
    assert [path.name for path in tmp_path.iterdir()] == [VERSION]


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_what_somebody_else_put_there_is_not_overwritten(kind, server, tmp_path):
    place, target = tmp_path / "onet" / VERSION, tmp_path / "own"
    target.mkdir()
    (target / "own.txt").write_text("own")
    place.parent.mkdir()
    if kind == "directory":
        target.rename(place)
    elif kind == "file":
        place.write_text("own")
    else:
        place.symlink_to(target)
    with pytest.raises(FetchError):
        fetch_release(VERSION, place.parent, url=server.url("/good"))
    with suppress(FetchError) if kind == "directory" else pytest.raises(FetchError):
        fetch_release(VERSION, place.parent, url=server.url("/good"), replace=True)
    assert kind != "file" or place.read_text() == "own"
    assert kind != "link" or (target / "own.txt").read_text() == "own"


def test_a_failed_exchange_puts_the_old_release_back(server, monkeypatch, tmp_path):
    old = fetch_release(VERSION, tmp_path, url=server.url("/good"))
    rename = Path.rename

    def fail(source: Path, target: Path) -> Path:
        if source.name == FOLDER.rstrip("/"):
            raise OSError(28, "No space left on device")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FetchError, match="No space left"):
        fetch_release(VERSION, tmp_path, url=server.url("/good"), replace=True)
    assert verify_release(old.path) == old
    assert [path.name for path in tmp_path.iterdir()] == [VERSION]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "Read Me.txt").write_text("x"), "files differ"),
        (lambda path: (path / "Read Me.txt").unlink(), "files differ"),
        (lambda path: (path / "New.txt").write_text("x"), "files differ"),
        (lambda path: (path / "folder").mkdir(), "files differ"),
        (lambda path: exchange_for_link(path / "Read Me.txt"), "files differ"),
        (lambda path: (path / "release.json").unlink(), "No such file"),
        (lambda path: (path / "release.json").write_text('{"version": 1}'), "malformed"),
    ],
)
def test_verifying_notices_any_change(change, message, server, tmp_path):
    found = fetch_release(VERSION, tmp_path, url=server.url("/good"))
    assert verify_release(found.path) == found
    change(found.path)
    with pytest.raises(FetchError, match=message):
        verify_release(found.path)
