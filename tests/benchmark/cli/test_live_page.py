"""`run --live`: what is refused before anything is written."""

import json
import socket

import pytest

from benchmark.cli.main import main
from tests.benchmark.cli.tiny_suite import RUN


@pytest.fixture
def taken():
    """A port of this machine that another process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "8000"], "--port: only of a live page; give --live too"),
        (["--live", "--port", "0"], "--port '0': need a whole number in 1..65535"),
        (["--live", "--port", "http"], "--port 'http': need a whole number in 1..65535"),
        (["--live", "--port", "{taken}"], "--port {taken}: cannot be used (Address already in use); leave it out"),
    ],
)
def test_a_port_that_cannot_be(study, capsys, taken, options, message):
    """Exit code 2, one message, and no folder of results."""
    assert main([*RUN, *(option.format(taken=taken) for option in options)]) == 2

    assert capsys.readouterr().err == f"error: {message.format(taken=taken)}\n"
    assert not (study / "results").exists()


def test_the_port_of_the_suites_own_page_is_no_reason_to_refuse(study, taken):
    """A run that goes on while its page is open finds the page where it was."""
    from benchmark.cli import live_page

    folder = study / "results" / "tiny"
    folder.mkdir(parents=True)
    (folder / live_page.PAGE_FILE).write_text(json.dumps({"port": taken, "token": "x" * 32}))

    class Parsed:
        live, port = True, taken

    live_page.check_live(Parsed, folder)
