"""Processes that meet, stand still, die or come twice: here they are threads, and sockets."""

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ganfield import program
from ganfield.training import _link, _meeting
from ganfield.training._lines import HELLO, free_port, read_line, send_line
from ganfield.training._link import Link
from ganfield.training._meeting import meet
from ganfield.training._processes import Processes


@pytest.fixture
def quick(monkeypatch):
    """What otherwise takes seconds."""
    monkeypatch.setattr(_meeting, "_SILENT", 0.1)
    monkeypatch.setattr(_meeting, "_GREETING", 0.3)
    monkeypatch.setattr(_meeting, "_AGAIN", 0.02)
    monkeypatch.setattr(_link, "_GRACE", 0.05)


@pytest.fixture
def come(quick):
    """Let processes come: ``meet`` in threads; return what becomes of each, and what it says."""
    port, links = free_port(), []
    with ThreadPoolExecutor(8) as pool:

        def start(index, count=2, *, wait=20.0, port=port):
            said = []

            def run():
                link, way = meet(
                    "127.0.0.1", port, index=index, count=count, wait=wait, say=said.append
                )
                links.append(link)
                return link, way

            ended = pool.submit(run)
            ended.said, ended.port = said, port
            return ended

        yield start
        for link in sorted(links, key=lambda link: -link.index):
            link.leave(0)
            link.close()


def raw(port, *lines):
    """Connect without a process behind it, and say lines."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    for line in lines:
        send_line(connection, line)
    return connection


def soon(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def listening(port):
    with contextlib.suppress(OSError):
        raw(port).close()
        return True
    return False


def test_all_meet_and_words_of_jax_go_their_way(come):
    ends = [come(index, 3) for index in (2, 1, 0)]
    links, ways = zip(*(ended.result(20) for ended in ends), strict=True)
    assert [link.index for link in links] == [2, 1, 0]
    assert all(link.is_whole and link.why is None for link in links)
    with socket.create_server(("127.0.0.1", ways[2])) as jax:
        client = socket.create_connection(("127.0.0.1", ways[0]), timeout=20)
        client.sendall(b"PRI * HTTP/2.0")
        server, _ = jax.accept()
        server.settimeout(20)
        assert server.recv(100) == b"PRI * HTTP/2.0"
        server.sendall(b"answer")
        assert client.recv(100) == b"answer"
        # JAX must not see that the other end has gone: it would abort.
        server.close()
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.close()


def test_who_does_not_come_is_named_to_all(come):
    ends = [come(index, 4, wait=0.6) for index in (0, 1)]
    soon(lambda: len(ends[1].said) == 1)
    assert ends[1].said[0].startswith("process 0 is ")
    late = come(2, 4, wait=0.6)
    for ended in (*ends, late):
        with pytest.raises(OSError, match=r"process 3 of 4 did not come within 0\.6 s"):
            ended.result(20)
    port = ends[0].port
    assert ends[0].said[0] == f"waiting at most 0.6 s for processes 2, 3 to come to port {port}"
    assert ends[0].said[-1] == f"still waiting for process 3 to come to port {port}"


def test_a_first_process_that_does_not_come_is_waited_for_no_longer_than_said(come):
    before = time.monotonic()
    ended = come(1, wait=0.5)
    with pytest.raises(OSError, match=r"process 0 did not come to 127\.0\.0\.1:\d+ within 0\.5 s"):
        ended.result(20)
    assert 0.5 <= time.monotonic() - before < 10
    (said,) = ended.said
    assert said.startswith("waiting at most 0.5 s for process 0 to come to 127.0.0.1:")


def test_a_number_that_is_taken_and_another_count_are_refused_at_once(come):
    first = come(0, 3)
    one = come(1, 3)
    soon(lambda: one.said)
    with pytest.raises(ValueError, match="--process-id 1 is taken: another process has it"):
        come(1, 3).result(20)
    with pytest.raises(ValueError, match="--num-processes must be 3 as in process 0, got 4"):
        come(2, 4).result(20)
    with pytest.raises(OSError, match="something listens there already, perhaps another process 0"):
        come(0, 3).result(20)
    two = come(2, 3)
    for ended in (first, one, two):
        ended.result(20)
    # Nor can it be taken later.
    with pytest.raises(ValueError, match="--process-id 2 is taken"):
        come(2, 3).result(20)


def test_one_that_leaves_while_others_are_waited_for_may_come_again(come):
    first = come(0, 3)
    soon(lambda: listening(first.port))
    one = raw(first.port, f"{HELLO} process 1 of 3")
    soon(lambda: first.said and "process 2 " in first.said[-1])
    one.close()
    # Before the last one comes: who leaves when all are there ends it for all.
    soon(lambda: "processes 1, 2 " in first.said[-1])
    come(2, 3)
    soon(lambda: "process 1 " in first.said[-1])
    come(1, 3)
    assert first.result(20)[0].why is None


def test_strangers_are_told_from_processes(come):
    first = come(0)
    soon(lambda: listening(first.port))
    for lines in ([], ["GET / HTTP/1.1"], ["x" * 2000], [f"{HELLO} process 9999999999 of 2"]):
        with raw(first.port, *lines) as connection, contextlib.suppress(ConnectionError):
            assert connection.recv(100) == b""
    one = come(1)
    assert first.result(20)[0].is_whole
    assert one.result(20)[0].is_whole

    for answer in (b"SSH-2.0-OpenSSH\r\n", b"", b"\0" * 2000):
        with socket.create_server(("127.0.0.1", 0)) as other:
            ended = come(1, port=other.getsockname()[1])
            connection, _ = other.accept()
            connection.sendall(answer)
            with pytest.raises(OSError, match="is no first process of ganfield train"):
                ended.result(20)
            connection.close()


@pytest.mark.parametrize(
    ("last", "why", "code"),
    [
        (None, "process 2 was lost", 1),
        ("bye 130", "process 2 was interrupted", 130),
        ("bye 2", "process 2 ended the run: what it printed says why", 2),
    ],
)
def test_all_hear_which_one_is_gone(come, last, why, code):
    first, one = come(0, 3), come(1, 3)
    soon(lambda: listening(first.port))
    two = raw(first.port, f"{HELLO} process 2 of 3")
    links = [ended.result(20)[0] for ended in (first, one)]
    given_up = [[], []]
    for link, list_of in zip(links, given_up, strict=True):
        link.give_up = lambda *said, list_of=list_of: list_of.append(said)
    with links[0].busy:  # What is being written is written to the end.
        if last is not None:
            send_line(two, last)
        two.close()
        for link in links:
            assert link.who_is_gone(20) == why
            assert link.code == code
        soon(lambda: given_up[1])
        time.sleep(0.1)
        assert given_up[0] == []
    soon(lambda: given_up[0])
    assert given_up == [[(why, code)], [(why, code)]]


def test_one_that_stands_still_is_missed(come):
    first = come(0, wait=0.6)
    soon(lambda: listening(first.port))
    one = raw(first.port, f"{HELLO} process 1 of 2")
    link, _ = first.result(20)
    assert link.who_is_gone(20) == "process 1 has given no sign of life for 0.6 s"
    # The other end hears four signs of life in this time.
    assert [read_line(one) for _ in range(4)].count(".") >= 3
    one.close()


def test_at_the_end_all_wait_for_the_first_and_it_for_nobody(come):
    first, one = come(0, 3), come(1, 3)
    soon(lambda: listening(first.port))
    two = raw(first.port, f"{HELLO} process 2 of 3")
    links = [ended.result(20)[0] for ended in (first, one)]
    links[0].part()
    two.close()
    parted = threading.Thread(target=links[1].part, daemon=True)
    parted.start()
    parted.join(0.1)
    assert parted.is_alive()
    assert links[0].why is None
    links[0].leave(0)
    parted.join(20)
    assert not parted.is_alive()


def test_a_first_process_that_is_killed_at_the_end_is_told(come):
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = come(1, port=server.getsockname()[1])
        connection, _ = server.accept()
        assert read_line(connection) == f"{HELLO} process 1 of 2"
        send_line(connection, "go")
        link, _ = one.result(20)
        connection.close()
        with pytest.raises(ConnectionAbortedError, match="process 0 was lost"):
            link.part()
        assert link.why in (None, "process 0 was lost")


def test_all_end_with_the_code_of_the_one_that_was_interrupted(monkeypatch):
    link, processes = Link(0, 2, 20.0), Processes()
    link.why, link.code, processes.count = "process 1 was interrupted", 143, 2
    monkeypatch.setattr(Processes, "link", link)
    monkeypatch.setattr(program, "_interrupts", [])
    with pytest.raises(KeyboardInterrupt, match=link.why), processes.together():
        raise RuntimeError("Gloo: connection closed by peer")
    assert program.interrupted() == 143
    link.leave(0)
