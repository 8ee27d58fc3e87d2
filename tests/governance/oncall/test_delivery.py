"""Messages on their way: to the log, to a real web server and to a real mail server, and what a failing one keeps."""

import email
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from governance.oncall.apprise_channel import channels_from, misread
from governance.oncall.channels import LogChannel
from governance.oncall.delivery import deliver
from governance.oncall.finding import Finding, Severity
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger
from governance.oncall.routing import Routing

Make = Callable[..., Finding]
EVERYTHING = tuple(Kind)


class Desk:
    """A ledger that is observed and delivered from."""

    def __init__(self, ledger: AlertLedger, routing: Routing, noon: datetime, folder: Path) -> None:
        self.ledger, self.routing, self.noon, self.lock = ledger, routing, noon, folder / "lock"

    def see(self, *findings: Finding, hours: float = 0) -> None:
        at = self.noon + timedelta(hours=hours)
        self.ledger.observe(findings, covering=EVERYTHING, at=at, remind_after=self.routing.remind_after)

    def deliver(self, *channels: Any, hours: float = 0) -> dict[str, str]:
        at = self.noon + timedelta(hours=hours)
        return deliver(self.ledger, channels, routing=self.routing, at=at, lock=self.lock)


@pytest.fixture
def desk(ledger: AlertLedger, routing: Routing, noon: datetime, tmp_path: Path) -> Desk:
    return Desk(ledger, routing, noon, tmp_path)


def test_every_channel_is_told_once(desk: Desk, finding: Make, postbox: Callable[..., Any]) -> None:
    one, two = postbox(), postbox(route="risk")
    desk.see(finding())
    for _ in range(2):
        assert desk.deliver(one, two) == {}
    assert one.said == two.said == [("opened", "claim")]


def test_a_failing_channel_keeps_its_messages_for_later_and_none_from_the_others(
    desk: Desk, finding: Make, postbox: Callable[..., Any]
) -> None:
    broken, well = postbox(), postbox(at_once=True, route="risk")
    broken.broken = True
    desk.see(finding())

    assert desk.deliver(broken, well) == {broken.name: "the postbox is broken"}
    assert desk.ledger.failures() == {broken.name: "the postbox is broken"}
    desk.see(hours=1)
    broken.broken = False
    assert desk.deliver(broken, well, hours=1) == {}

    assert broken.said == well.said == [("opened", "claim"), ("resolved", "claim")]
    assert desk.ledger.failures() == {}


def test_tickets_wait_for_the_morning_and_pages_do_not(desk: Desk, finding: Make, postbox: Callable[..., Any]) -> None:
    pager, night = postbox(), 10
    desk.see(finding(), finding(Kind.ONLINE_BEHIND, "seller", severity=Severity.SEV2), hours=night)

    desk.deliver(pager, hours=night)
    assert pager.said == [("opened", "seller")]
    desk.deliver(pager, hours=night + 11)
    assert pager.said == [("opened", "seller"), ("opened", "claim")]


def test_a_ticket_that_was_over_before_the_morning_disturbs_nobody(
    desk: Desk, finding: Make, postbox: Callable[..., Any]
) -> None:
    pager = postbox()
    desk.see(finding(), hours=10)
    desk.deliver(pager, hours=10)
    desk.see(hours=11)
    desk.deliver(pager, hours=24)
    assert pager.said == []


def test_after_an_outage_only_the_newest_reminder_is_sent(
    desk: Desk, finding: Make, postbox: Callable[..., Any]
) -> None:
    pager = postbox()
    pager.broken = True
    for hours in (0, 6, 12, 18):
        desk.see(finding(severity=Severity.SEV2), hours=hours)
        desk.deliver(pager, hours=hours)
    pager.broken = False
    desk.deliver(pager, hours=19)
    assert [what for what, _ in pager.said] == ["opened", "reminded"]


def test_an_address_may_be_limited_to_the_owners_of_a_route(
    desk: Desk, finding: Make, postbox: Callable[..., Any]
) -> None:
    risk, care = postbox(route="risk"), postbox(route="care")
    desk.see(finding(owner="risk-control"))
    desk.deliver(risk, care)
    assert (risk.said, care.said) == ([("opened", "claim")], [])


def test_the_log_holds_a_json_line_for_every_message_also_where_the_note_of_it_was_lost(
    desk: Desk, finding: Make, tmp_path: Path
) -> None:
    path = tmp_path / "alerts.jsonl"
    log = LogChannel(path, ui_url="http://ui")
    desk.see(finding(run_id="r1"))
    log.send(desk.ledger.untold("log"))
    with path.open("a") as file:
        file.write('{"message": 2, "wh')
    desk.see(hours=1)
    desk.deliver(log, hours=1)

    lines = path.read_text().splitlines()
    whole = [json.loads(lines[0]), json.loads(lines[2])]
    assert [(line["message"], line["event"], line["run"]) for line in whole] == [
        (1, "opened", "http://ui/runs/r1"),
        (2, "resolved", "http://ui/runs/r1"),
    ]
    assert len(lines) == 3


class WebServer:
    """A web server on a free port that keeps what is posted to it, and refuses while `broken`."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.broken = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(503 if outer.broken else 200)
                self.end_headers()
                if not outer.broken:
                    outer.posted.append(json.loads(body))

            def log_message(self, *_: object) -> None:
                """Say nothing on the terminal."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


class MailServer:
    """A mail server on a free port that understands just enough SMTP, and keeps what it is handed."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 mail ready\r\n")
                while line := self.rfile.readline():
                    word = line.split()[0].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b""
                        while (part := self.rfile.readline()) != b".\r\n":
                            text += part
                        outer.mails.append(email.message_from_bytes(text))
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")
                    if word == b"QUIT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


def _served(one: Any) -> Iterator[Any]:
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def web() -> Iterator[WebServer]:
    yield from _served(WebServer())


@pytest.fixture
def post() -> Iterator[MailServer]:
    yield from _served(MailServer())


def test_a_webhook_gets_several_alerts_as_one_post_and_again_what_it_refused(
    desk: Desk, finding: Make, web: WebServer
) -> None:
    (hook,) = channels_from(f"json://127.0.0.1:{web.port}/hook", ui_url="http://ui")
    desk.see(finding(severity=Severity.SEV2), finding(Kind.FAILED_RUN, "daily", run_id="r1"))

    web.broken = True
    assert list(desk.deliver(hook)) == [hook.name]
    assert web.posted == []
    web.broken = False
    assert desk.deliver(hook, hours=0.1) == {}
    assert desk.deliver(hook, hours=0.2) == {}

    (posted,) = web.posted
    assert posted["title"] == "SEV2 and more (2): claim, daily"
    assert "SEV2 claim: late. Do: govern run. Runbook: docs/runbooks/late-data.md." in posted["message"]
    assert "Run: http://ui/runs/r1" in posted["message"]


def test_a_mail_server_gets_a_mail(desk: Desk, finding: Make, post: MailServer) -> None:
    address = f"mailto://127.0.0.1:{post.port}?from=watch@example.com&to=oncall@example.com&mode=insecure"
    (mailer,) = channels_from(address)
    desk.see(finding())

    assert desk.deliver(mailer) == {}

    (mail,) = post.mails
    assert (mail["Subject"], "oncall@example.com" in mail["To"]) == ("SEV3 claim", True)
    text = b"".join(part.get_payload(decode=True) or b"" for part in mail.walk())
    assert b"SEV3 claim: late. Do: govern run." in text


def test_an_address_that_nobody_understands_fails_as_a_channel_and_shows_no_secret(desk: Desk, finding: Make) -> None:
    (odd,) = channels_from("nosuch://user:secret@host")
    desk.see(finding())
    failures = desk.deliver(odd)
    assert "does not understand" in failures[odd.name]
    assert "secret" not in str(failures)


def test_a_server_that_is_not_there_breaks_nothing(desk: Desk, finding: Make) -> None:
    (gone,) = channels_from("json://127.0.0.1:9/hook")
    desk.see(finding())
    assert "did not take" in desk.deliver(gone)[gone.name]
    assert len(desk.ledger.untold(gone.name)) == 1


def test_words_that_are_no_addresses_are_counted() -> None:
    assert misread("json://a/b nonsense risk=mailto://x@y") == 1


def test_of_two_that_deliver_at_once_the_second_leaves_it_to_the_first(
    desk: Desk, finding: Make, postbox: Callable[..., Any]
) -> None:
    inner, outer = postbox(), postbox(route="risk")
    desk.see(finding())

    class Meanwhile:
        name, route, at_once = "meanwhile", None, True

        def send(self, _: object) -> None:
            desk.deliver(inner)

    desk.deliver(Meanwhile(), outer)

    assert (inner.said, outer.said) == ([], [("opened", "claim")])
