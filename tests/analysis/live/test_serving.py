"""What the server of the page answers, and to whom."""

import http.client
import json
import os
import stat
import threading
import time

import pytest

from analysis.live.serving.address import AlreadyServed, claimed_address
from analysis.live.serving.page_file import LIVE_PAGE
from analysis.live.serving.publisher import Publisher
from analysis.live.serving.requests import Requests
from benchmark.errors import BadInput


@pytest.fixture
def publisher():
    """Has one version of a page of two parts."""
    publisher = Publisher()
    publisher.publish({"a": "old", "b": "same"}, lambda: "<p>the page</p>", generation=1)
    return publisher


def handler_of(folder, publisher):
    return type("Handler", (Requests,), {"folder": folder, "publisher": publisher})


@pytest.fixture
def served(tmp_path, publisher):
    """A function that asks the server of a suite's page: status, headers and body."""
    suite = tmp_path / "results" / "mine"
    for name in ("report/index.html", "report/data.bin", "tables/runs.csv", "suite.json", "secret/index.html"):
        (suite / name).parent.mkdir(parents=True, exist_ok=True)
        (suite / name).write_text(name)
    (tmp_path / "outside.html").write_text("outside")
    (suite / "report" / "link.html").symlink_to(tmp_path / "outside.html")
    handler = handler_of(suite, publisher)
    with claimed_address(suite, None, handler) as (server, page):
        handler.token = page.token
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def ask(path, method="GET", host=None, token=page.token, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
            connection.putrequest(method, f"/{token}{path}", skip_host=True)
            for name, value in {"Host": host or f"127.0.0.1:{page.port}", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            made = answer.status, dict(answer.getheaders()), answer.read().decode()
            connection.close()
            return made

        yield ask
        server.shutdown()
        thread.join()


@pytest.fixture
def looking(publisher):
    """Publishes again and again what a watcher would, so that a request for the page is answered."""
    ended = threading.Event()

    def repeat():
        while not ended.wait(0.01):
            publisher.publish({"a": "old", "b": "same"}, lambda: "<p>the page</p>", generation=1)

    thread = threading.Thread(target=repeat)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_the_page_and_what_its_report_links_to(served, looking):
    """The page, the files of reports beside it, and nothing else; all that a browser may load is its own."""
    status, headers, body = served("/mine/")
    assert (status, body) == (200, "<p>the page</p>")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert not any(name.lower().startswith("access-control") for name in headers)
    assert served("/mine/report/index.html")[::2] == (200, "report/index.html")
    assert served("/mine/tables/runs.csv")[::2] == (200, "tables/runs.csv")
    assert served("")[0] == served("/mine")[0] == 302
    for path in (
        *("/mine/suite.json", "/mine/secret/index.html", "/mine/report/data.bin", "/mine/report/nosuch.html"),
        *("/mine/report/link.html", "/mine/report/../suite.json", "/mine/report/%2e%2e/suite.json", "/../outside.html"),
        *("/mine/report/%2e%2e%2f%2e%2e%2foutside.html", "/mine/report/%00.html", "/mine/report/", "//"),
    ):
        assert served(path)[0] == 404, path


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_secret_there_is_nothing(served, method):
    """Another token, a part of it or none is no page, whatever follows."""
    for token in ("", "x", "x" * 32):
        assert served("/mine/stop", method, token=token)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_a_name_that_is_not_this_machine_is_refused(served, host):
    """A page from elsewhere whose name was made to mean this machine gets nothing, and stops nothing."""
    assert served("/mine/", host=host or " ")[0] == 403
    assert served("/mine/stop", "POST", host=host or " ")[0] == 403


def test_the_button_answers_a_post_of_this_page_alone(served, monkeypatch):
    """A link cannot stop a suite, another page cannot, and where nobody runs it that is said."""
    stopped = []
    monkeypatch.setattr("analysis.live.serving.requests.stop_drivers", lambda folder: stopped)
    assert served("/mine/stop")[0] == 404
    assert served("/mine/stop", "POST", Origin="http://evil.example")[0] == 403
    assert served("/mine/stop", "POST", Origin="null")[0] == 403
    assert served("/mine/other", "POST")[0] == 404
    assert served("/mine/stop", "POST", Origin="http://localhost:9000", host="localhost:9000")[0] == 409
    stopped.append(71)
    status, _, body = served("/mine/stop", "POST")
    assert (status, json.loads(body)) == (200, {"stopped": [71]})


def test_a_page_hears_of_what_changes(publisher):
    """First all parts, then those that are others than before; a new plan begins anew."""
    version, parts = publisher.wait(0, 0)
    assert parts == {"a": "old", "b": "same"}
    publisher.publish({"a": "new", "b": "same"}, str, generation=1)
    version, parts = publisher.wait(version, 0)
    assert parts == {"a": "new"}
    assert publisher.wait(version, 0) == (version, {})
    publisher.publish({"c": "other"}, str, generation=2)
    assert publisher.wait(0, 0)[1] == {"c": "other"}


def test_an_open_page_is_counted_and_sent_what_is_new(served, publisher):
    """The events of a page begin with all parts and end when the plan is another one."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(served("/mine/events")))
    thread.start()
    deadline = time.monotonic() + 30
    while not publisher.viewers and time.monotonic() < deadline:
        time.sleep(0.01)
    publisher.publish({"a": "<new>\n", "b": "same"}, str, generation=1)
    publisher.publish({"c": ""}, str, generation=2)
    thread.join(30)

    [(status, headers, body)] = answers
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    assert events[0]["parts"].keys() <= {"a", "b", "c"}
    assert body.endswith("event: reload\ndata:\n\n")
    assert publisher.viewers == 0


def test_the_address_is_kept_for_its_owner(tmp_path, publisher):
    """A second server is told where the first is; the next one takes port and secret over; others cannot read them."""
    handler = handler_of(tmp_path, publisher)
    with claimed_address(tmp_path, None, handler) as (_, first):
        assert stat.S_IMODE((tmp_path / LIVE_PAGE).stat().st_mode) == 0o600
        with pytest.raises(AlreadyServed) as served, claimed_address(tmp_path, None, handler):
            pass
        assert served.value.page == first
        (tmp_path / "other").mkdir()
        with (
            pytest.raises(BadInput, match=f"--port {first.port}: cannot be used"),
            claimed_address(tmp_path / "other", first.port, handler),
        ):
            pass
    with claimed_address(tmp_path, None, handler) as (_, second):
        assert second == first


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"port": 0, "token": "x"}', b"\xff", b'{"port": 80}'])
def test_a_file_that_says_nothing_of_an_address(tmp_path, publisher, content):
    """What another program has left there is replaced."""
    (tmp_path / LIVE_PAGE).write_bytes(content)
    with claimed_address(tmp_path, None, handler_of(tmp_path, publisher)) as (_, page):
        assert len(page.token) >= 32
    assert json.loads((tmp_path / LIVE_PAGE).read_bytes()) == {"port": page.port, "token": page.token}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_has_a_page_too(tmp_path, publisher):
    """Whose results are another's: the page is served at an address that nobody remembers."""
    tmp_path.chmod(0o500)
    with claimed_address(tmp_path, None, handler_of(tmp_path, publisher)) as (_, page):
        assert page.port > 0
    tmp_path.chmod(0o700)
