"""The scripted DNS server does what other tests rely on."""

import socket
import struct

import dns_server
from dns_server import A, AAAA, ScriptedDns, wire


def question(name, qtype, ident):
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + wire(name) + \
        struct.pack(">HH", qtype, 1)


def ask_udp(dns, name, qtype=A, ident=7):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.sendto(question(name, qtype, ident), ("127.0.0.1", dns.port))
        return sock.recv(4096)


def ask_tcp(dns, name, qtype=A, ident=7):
    with socket.create_connection(("127.0.0.1", dns.port), timeout=2) as sock:
        data = question(name, qtype, ident)
        sock.sendall(struct.pack(">H", len(data)) + data)
        size, = struct.unpack(">H", ScriptedDns._exactly(sock, 2))
        return ScriptedDns._exactly(sock, size)


def rcode(reply):
    return reply[3] & 15


def answers(reply):
    return struct.unpack(">H", reply[6:8])[0]


def test_addresses_by_family_and_transport():
    with ScriptedDns({"a.test": ["192.0.2.1", "192.0.2.2", "::1"]}) as dns:
        for ask in (ask_udp, ask_tcp):
            assert answers(ask(dns, "A.test")) == 2
            assert answers(ask(dns, "a.test", AAAA)) == 1
            assert rcode(ask(dns, "b.test")) == dns_server.NXDOMAIN
        assert [query.transport for query in dns.queries] == \
            ["udp"] * 3 + ["tcp"] * 3
        assert dns.queries[0].id == 7
        assert dns.names() == ["a.test", "b.test"]
        assert dns.count("a.test", AAAA) == 2


def test_truncation_is_for_udp_only():
    with ScriptedDns({"a.test": dns_server.truncate(["192.0.2.1"])}) as dns:
        reply = ask_udp(dns, "a.test")
        assert reply[2] & 2 and answers(reply) == 0
        assert answers(ask_tcp(dns, "a.test")) == 1


def test_turns_and_lies():
    with ScriptedDns({
        "turns.test": [dns_server.servfail(), ["192.0.2.1"]],
        "id.test": dns_server.wrong_id(["192.0.2.1"]),
        "question.test": dns_server.wrong_question(["192.0.2.1"]),
        "owner.test": dns_server.wrong_owner(["192.0.2.1"]),
        "chain.test": dns_server.cname("b.test", "c.test"),
        "c.test": ["192.0.2.3"],
        "loop.test": dns_server.cname_loop(),
    }) as dns:
        assert rcode(ask_udp(dns, "turns.test")) == dns_server.SERVFAIL
        assert answers(ask_udp(dns, "turns.test")) == 1
        assert answers(ask_udp(dns, "turns.test")) == 1
        assert ask_udp(dns, "id.test")[:2] != b"\0\7"
        assert wire("other.test") in ask_udp(dns, "question.test")
        reply = ask_udp(dns, "owner.test")
        assert wire("owner.test") in reply and wire("other.test") in reply
        assert answers(ask_udp(dns, "chain.test")) == 3
        assert answers(ask_udp(dns, "loop.test")) == 2


def test_silence():
    with ScriptedDns({"a.test": dns_server.drop()}) as dns:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.sendto(question("a.test", A, 7), ("127.0.0.1", dns.port))
            try:
                sock.recv(4096)
                assert False, "an answer"
            except socket.timeout:
                pass
        assert dns.count("a.test") == 1
