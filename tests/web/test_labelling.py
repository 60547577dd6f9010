"""The labelling page over real HTTP: it works, and only for whom and from where it should."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest

from wholefit.data.labels import Store, items_of
from wholefit.training.labelling import Options, Session
from wholefit.training.prelabels import Learner
from wholefit.web.labelling import serve

TEXTS = [f"{'free cash' if i % 2 else 'see you at home'} {i}" for i in range(40)]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


class Client:
    """Requests to one server, with the headers that a browser on the page would send."""

    def __init__(self, server) -> None:
        self.port, self.address = server.port, server.server_address
        self.paths = {who: urlsplit(link).path for who, link in server.links.items()}

    def ask(self, path: str, words=None, method: str | None = None, raw: bytes | None = None,
            **headers: str):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Host": f"127.0.0.1:{self.port}"}
        body = raw
        if words is not None or raw is not None:
            body = json.dumps(words).encode() if raw is None else raw
            sent |= {"Content-Type": "application/json",
                     "Origin": f"http://127.0.0.1:{self.port}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        link.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True,
                        skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                link.putheader(name, value)
        if body is not None and "Content-Length" not in sent:
            link.putheader("Content-Length", str(len(body)))
        link.endheaders(body)
        reply = link.getresponse()
        content = reply.read()
        link.close()
        return reply.status, dict(reply.getheaders()), content

    def json(self, who: str, path: str, words=None):
        status, _, body = self.ask(self.paths[who] + path, words)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def page(tmp_path: Path, request) -> Iterator[Client]:
    words = getattr(request, "param", {})
    items = items_of(pl.DataFrame({"text": TEXTS}), ["text"], source="t.csv")
    store = Store.open(tmp_path / "l.jsonl", items, classes=["ham", "spam"], guide="Be <b>kind</b>")
    session = Session(items, store, Options(order="as-is"), background=False,
                      learner=Learner(items.distinct(), 2))
    yield from served(session, words.get("assist", False))


def served(session: Session, assist: bool = False) -> Iterator[Client]:
    server = serve(session, ["ann", "bob"], assist=assist)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Client(server)
    server.shutdown()
    server.server_close()
    session.close()
    thread.join(5)


def label(page: Client, who: str, count: int, wrong: bool = False) -> dict:
    state = page.json(who, "state")
    for _ in range(count):
        question = state["question"]
        name = "spam" if ("free" in question["shown"][0]["text"]) != wrong else "ham"
        state = page.json(who, "answer", {"key": question["key"], "label": name, "seconds": 1.5})
    return state


def test_labelling_from_end_to_end(page, tmp_path):
    state = label(page, "ann", 3)
    assert state["progress"] | {"classes": {}} == {
        "items": 40, "labelled": 3, "skipped": 0, "left": 37, "classes": {}}
    first = state["question"]["key"]
    assert page.json("ann", "skip", {"key": first})["progress"]["skipped"] == 1
    undone = page.json("ann", "undo", {})
    assert undone["undone"] and undone["question"]["key"] == first
    page.json("ann", "note", {"key": first, "text": "odd"})
    assert page.json("bob", "state")["progress"]["labelled"] == 0
    label(page, "bob", 2, wrong=True)
    split = page.json("bob", "disagreements")
    assert split["count"] == 2
    assert split["items"][0]["said"] == [{"who": "ann", "label": "ham"},
                                         {"who": "bob", "label": "spam"}]
    left = page.json("bob", "adjudicate", {"key": split["items"][0]["key"], "label": "ham"})
    assert left["count"] == 1
    kept = Store.read(tmp_path / "l.jsonl")
    assert len(kept.answers("ann")) == 3 and kept.adjudicated()
    assert kept.every_answer()[0].facts["seconds"] == 1.5


def test_nothing_left_is_said(page):
    assert label(page, "ann", 40)["question"] is None


def test_the_guess_is_not_even_sent_unless_asked_for(page, tmp_path):
    assert label(page, "ann", 12)["question"]["guess"] is None
    facts = [answer.facts for answer in Store.read(tmp_path / "l.jsonl").every_answer()]
    assert any("guess" in fact for fact in facts), "it is kept for measuring all the same"
    assert not any(fact.get("shown") for fact in facts)


@pytest.mark.parametrize("page", [{"assist": True}], indirect=True)
def test_the_guess_is_shown_and_its_showing_kept_with_assist(page, tmp_path):
    state = label(page, "ann", 12)
    assert state["question"]["guess"]["label"] in ("ham", "spam")
    assert 0.5 <= state["question"]["guess"]["p"] <= 1
    assert any(a.facts.get("shown") for a in Store.read(tmp_path / "l.jsonl").every_answer())


def test_the_page_and_its_headers(page):
    for name, kind in (("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript")):
        status, headers, body = page.ask(page.paths["ann"] + name)
        assert status == 200 and headers["Content-Type"].startswith(kind) and body
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer", "the token is in the address"
        assert headers["Cache-Control"] == "no-store"
        assert "Python" not in headers["Server"]
    text = page.ask(page.paths["ann"])[2].decode()
    assert "<script src=" in text and "onclick" not in text and "style=" not in text
    assert "http" not in text, "nothing is fetched from elsewhere"
    assert "innerHTML" not in page.ask(page.paths["ann"] + "page.js")[2].decode()


@pytest.mark.parametrize("path", [
    "/", "/state", "//", "/x/state", "/../etc/passwd", "/{t}", "/{t}/../../etc/passwd",
    "/{t}/_server.py", "/{t}/page.html", "/{t}/page.js/", "/{t}/..%2f_server.py",
    "/{t}/picture/../../../etc/passwd", "/{t}/picture/%2e%2e%2fpage.js", "/{t}x/state",
    "http://evil.example/{t}/none", "/{t}/picture/",
])
def test_nothing_else_is_served(page, path):
    token = page.paths["ann"].strip("/")
    status, _, body = page.ask(path.replace("{t}", token))
    assert status == 404 and token not in body.decode()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80",
                                  "", None])
def test_another_host_name_is_refused(page, host):
    """A foreign name that is made to point here (DNS rebinding) does not get in."""
    status, _, _ = page.ask(page.paths["ann"] + "state", Host=host)
    assert status == 403
    status, _, _ = page.ask(page.paths["ann"] + "state", Host=f"localhost:{page.port}")
    assert status == 200


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1"},
    {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": None}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
])
def test_a_deed_from_another_page_is_refused(page, headers):
    key = page.json("ann", "state")["question"]["key"]
    status, _, _ = page.ask(page.paths["ann"] + "answer", {"key": key, "label": "ham"}, **headers)
    assert status == 403
    assert page.json("ann", "state")["progress"]["labelled"] == 0


@pytest.mark.parametrize("words, status", [
    ({"key": "none", "label": "ham"}, 400), ({"key": 3, "label": "ham"}, 400),
    ({"label": "ham"}, 400), ({}, 400), ([], 400), ("x", 400), (None, 400),
])
def test_malformed_answers_are_refused_in_a_sentence(page, words, status):
    found, _, body = page.ask(page.paths["ann"] + "answer", raw=json.dumps(words).encode())
    assert found == status and json.loads(body)["error"]


def test_malformed_bodies_and_deeds(page):
    path = page.paths["ann"]
    key = page.json("ann", "state")["question"]["key"]
    assert page.ask(path + "answer", {"key": key, "label": "none"})[0] == 400
    assert page.ask(path + "answer", raw=b"{" * 9000)[0] == 400
    assert page.ask(path + "answer", raw=b"\xff\xfe")[0] == 400
    assert page.ask(path + "answer", raw=b"x" * 20_000)[0] == 413
    assert page.ask(path + "answer", raw=b"", Content_Length="x")[0] == 411
    assert page.ask(path + "answer", raw=b"", Content_Length="-1")[0] == 411
    assert page.ask(path + "close", {})[0] == 400
    assert page.ask(path + "note", {"key": key, "text": " "})[0] == 400
    assert page.ask(path + "note", {"key": key, "text": "x" * 2001})[0] == 400
    for method in ("PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"):
        assert page.ask(path + "state", method=method)[0] == 501
    nonsense = {"key": key, "label": "ham", "seconds": "1e400"}
    assert page.ask(path + "answer", nonsense)[0] == 200


def test_it_listens_to_this_machine_only(page):
    assert page.address == ("127.0.0.1", page.port)


def test_links_are_long_random_and_apart(page):
    tokens = [path.strip("/") for path in page.paths.values()]
    assert len(set(tokens)) == 2 and all(len(token) >= 43 for token in tokens)


def test_pictures_are_served_by_key_and_from_their_folder_only(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    names = ["a.png", "../secret.png", "link.png", str(tmp_path / "secret.png"), "no.png"]
    items = items_of(pl.DataFrame({"file": names}), ["file"], images=True, folder=folder)
    store = Store.open(tmp_path / "l.jsonl", items, classes=["cat", "dog"])
    for page in served(Session(items, store)):
        found = [page.ask(f"{page.paths['ann']}picture/{key}") for key in items.keys]
        assert [status for status, _, _ in found] == [200, 404, 404, 404, 404]
        assert found[0][2] == PNG and found[0][1]["Content-Type"] == "image/png"


def test_a_port_that_is_taken_is_an_error(tmp_path):
    items = items_of(pl.DataFrame({"text": ["a", "b"]}), ["text"])
    with Store.open(tmp_path / "l.jsonl", items, classes=["x", "y"]) as store, \
            serve(Session(items, store), ["ann"]) as first, pytest.raises(OSError):
        serve(Session(items, store), ["ann"], port=first.port)


def test_many_at_once_lose_nothing(page, tmp_path):
    def work(who: str) -> None:
        label(page, who, 40)

    threads = [threading.Thread(target=work, args=(who,)) for who in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    kept = Store.read(tmp_path / "l.jsonl")
    assert len(kept.answers("ann")) == len(kept.answers("bob")) == 40
