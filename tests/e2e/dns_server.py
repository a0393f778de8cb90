"""A scripted DNS server for tests: UDP and TCP on one ephemeral port.

    with ScriptedDns({
        "ok.test": ["192.0.2.1", "2001:db8::1"],
        "alias.test": cname("ok.test"),
        "gone.test": nxdomain(),
        "late.test": delay(0.3, ["192.0.2.2"]),
    }) as dns:
        run("--resolver-address", f"127.0.0.1:{dns.port}")
        assert dns.queries[0].name == "ok.test"

A record is a list of addresses, one behaviour below, or a list of behaviours
that successive queries of that name and type go through (the last one stays).
A name that is not in the table does not exist (NXDOMAIN).  `records` may be
changed while the server runs.
"""

import collections
import ipaddress
import socket
import struct
import threading

A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

Query = collections.namedtuple("Query", "name qtype transport client_port id")


# --- behaviours ---------------------------------------------------------------

class Behaviour:
    """What to do with a query; `reply` returns the bytes to send, or None."""

    def reply(self, server, query, question):
        raise NotImplementedError


class _Rcode(Behaviour):
    def __init__(self, rcode, soa_ttl=None):
        self.rcode = rcode
        self.soa_ttl = soa_ttl

    def reply(self, server, query, question):
        authority = []
        if self.soa_ttl is not None:
            authority.append(soa(query.name, self.soa_ttl))
        return message(query.id, question, [], rcode=self.rcode,
                       authority=authority)


class _Drop(Behaviour):
    def reply(self, server, query, question):
        return None


class _Addresses(Behaviour):
    def __init__(self, addresses, ttl=60):
        self.addresses = addresses
        self.ttl = ttl

    def reply(self, server, query, question):
        return message(query.id, question,
                       address_records(query.name, query.qtype,
                                       self.addresses, self.ttl))


class _Chain(Behaviour):
    """CNAME after CNAME through `targets`, then the last one's addresses."""

    def __init__(self, targets, addresses=None, ttl=60, shuffle=False):
        self.targets = targets
        self.addresses = addresses
        self.ttl = ttl
        self.shuffle = shuffle

    def reply(self, server, query, question):
        records, owner = [], query.name
        for target in self.targets:
            records.append(record(owner, CNAME, wire(target), self.ttl))
            owner = target
        addresses = self.addresses
        if addresses is None:
            found = server.records.get(owner, [])
            addresses = found if isinstance(found, list) else []
        records += address_records(owner, query.qtype, addresses, self.ttl)
        if self.shuffle:
            records.reverse()
        return message(query.id, question, records)


class _Truncate(Behaviour):
    """TC and nothing else over UDP, the whole answer over TCP."""

    def __init__(self, inner):
        self.inner = behaviour(inner)

    def reply(self, server, query, question):
        if query.transport == "udp":
            return message(query.id, question, [], truncated=True)
        return self.inner.reply(server, query, question)


class _WrongId(Behaviour):
    def __init__(self, addresses):
        self.addresses = addresses

    def reply(self, server, query, question):
        return message(query.id ^ 0x5555, question,
                       address_records(query.name, query.qtype,
                                       self.addresses))


class _WrongQuestion(Behaviour):
    def __init__(self, addresses, name="other.test"):
        self.addresses = addresses
        self.name = name

    def reply(self, server, query, question):
        other = wire(self.name) + struct.pack(">HH", query.qtype, 1)
        return message(query.id, other,
                       address_records(self.name, query.qtype,
                                       self.addresses))


class _WrongOwner(Behaviour):
    def __init__(self, addresses, name="other.test"):
        self.addresses = addresses
        self.name = name

    def reply(self, server, query, question):
        return message(query.id, question,
                       address_records(self.name, query.qtype,
                                       self.addresses))


class _Delay(Behaviour):
    def __init__(self, seconds, inner):
        self.seconds = seconds
        self.inner = behaviour(inner)

    def reply(self, server, query, question):
        server.stopped.wait(self.seconds)
        return self.inner.reply(server, query, question)


class _Garbage(Behaviour):
    """Bytes as given; with keep_id the query's id and question come first."""

    def __init__(self, data, keep_id=False):
        self.data = data
        self.keep_id = keep_id

    def reply(self, server, query, question):
        if not self.keep_id:
            return self.data
        return struct.pack(">HHHHHH", query.id, 0x8180, 1, 9, 0, 0) + \
            question + self.data


class _ByType(Behaviour):
    """One behaviour for A, another for AAAA."""

    def __init__(self, a, aaaa):
        self.kinds = {A: behaviour(a), AAAA: behaviour(aaaa)}

    def reply(self, server, query, question):
        return self.kinds.get(query.qtype, _Addresses([])).reply(
            server, query, question)


def addresses(list_of_text, ttl=60):
    return _Addresses(list_of_text, ttl)


def nxdomain(soa_ttl=None):
    return _Rcode(NXDOMAIN, soa_ttl)


def nodata(soa_ttl=None):
    return _Rcode(NOERROR, soa_ttl)


def servfail():
    return _Rcode(SERVFAIL)


def refused():
    return _Rcode(REFUSED)


def formerr():
    return _Rcode(FORMERR)


def drop():
    """No answer at all: the client times out."""
    return _Drop()


def truncate(inner):
    return _Truncate(inner)


def wrong_id(list_of_text):
    return _WrongId(list_of_text)


def wrong_question(list_of_text, name="other.test"):
    return _WrongQuestion(list_of_text, name)


def wrong_owner(list_of_text, name="other.test"):
    return _WrongOwner(list_of_text, name)


def cname(*targets, addresses=None, ttl=60, shuffle=False):
    """A chain through every target; the addresses are those of the last target
    in the table unless given."""
    return _Chain(list(targets), addresses, ttl, shuffle)


def cname_loop(other="loop-other.test"):
    """name -> other -> name."""
    class Loop(Behaviour):
        def reply(self, server, query, question):
            return _Chain([other, query.name], []).reply(server, query,
                                                         question)
    return Loop()


def delay(seconds, inner):
    return _Delay(seconds, inner)


def garbage(data=b"\xff" * 40, keep_id=False):
    return _Garbage(data, keep_id)


def by_type(a, aaaa):
    return _ByType(a, aaaa)


def behaviour(thing):
    if isinstance(thing, Behaviour):
        return thing
    return _Addresses(list(thing))


# --- messages -----------------------------------------------------------------

def wire(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            data = label.encode("ascii")
            out += bytes([len(data)]) + data
    return out + b"\0"


def record(owner, rtype, data, ttl=60):
    return wire(owner) + struct.pack(">HHIH", rtype, 1, ttl, len(data)) + data


def soa(owner, ttl):
    data = wire("ns.test") + wire("root.test") + \
        struct.pack(">IIIII", 1, 3600, 600, 86400, ttl)
    return record(owner, SOA, data, ttl)


def address_records(owner, qtype, texts, ttl=60):
    version = {A: 4, AAAA: 6}.get(qtype)
    parsed = [ipaddress.ip_address(text) for text in texts]
    return [record(owner, qtype, ip.packed, ttl)
            for ip in parsed if ip.version == version]


def message(ident, question, answers, rcode=NOERROR, truncated=False,
            authority=()):
    flags = 0x8180 | rcode | (0x0200 if truncated else 0)
    return struct.pack(">HHHHHH", ident, flags, 1, len(answers),
                       len(authority), 0) + question + \
        b"".join(answers) + b"".join(authority)


def parse_query(data):
    """(id, name, type, question bytes) of a query, or None."""
    if len(data) < 17 or data[2] & 0x80:
        return None
    at, labels = 12, []
    while at < len(data) and data[at] != 0:
        size = data[at]
        if size > 63 or at + 1 + size > len(data):
            return None
        labels.append(data[at + 1:at + 1 + size].decode("latin-1"))
        at += 1 + size
    if at + 5 > len(data):
        return None
    qtype, = struct.unpack(">H", data[at + 1:at + 3])
    ident, = struct.unpack(">H", data[:2])
    return ident, ".".join(labels), qtype, data[12:at + 5]


# --- the server ---------------------------------------------------------------

class ScriptedDns:
    """See the top of the file.  `queries` has every query in order of arrival;
    `port` is the same for UDP and TCP."""

    def __init__(self, records=None, host="127.0.0.1"):
        self.records = dict(records or {})
        self.host = host
        self.queries = []
        self.stopped = threading.Event()
        self._turns = collections.Counter()
        self._lock = threading.Lock()
        self._threads = []
        self._bind()

    def _bind(self):
        """The same free port for both transports: TCP chooses, UDP follows."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        for _ in range(50):
            self._tcp = socket.socket(family, socket.SOCK_STREAM)
            self._tcp.bind((self.host, 0))
            self.port = self._tcp.getsockname()[1]
            self._udp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                self._udp.bind((self.host, self.port))
                self._tcp.listen(64)
                return
            except OSError:
                self._udp.close()
                self._tcp.close()
        raise OSError("no port that is free for both UDP and TCP")

    def __enter__(self):
        self._threads = [threading.Thread(target=serve, daemon=True)
                         for serve in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.close()

    start = __enter__

    def close(self):
        self.stopped.set()
        for sock in (self._udp, self._tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(timeout=5)
        self._udp.close()
        self._tcp.close()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host \
            else f"{self.host}:{self.port}"

    def names(self):
        """Names asked for so far, in order, without repetition."""
        return list(dict.fromkeys(query.name for query in list(self.queries)))

    def count(self, name, qtype=None):
        return sum(1 for query in list(self.queries) if query.name == name
                   and qtype in (None, query.qtype))

    def _answer(self, data, transport, client_port):
        parsed = parse_query(data)
        if parsed is None:
            return None
        ident, name, qtype, question = parsed
        query = Query(name.lower(), qtype, transport, client_port, ident)
        with self._lock:
            self.queries.append(query)
            entry = self.records.get(query.name)
            if isinstance(entry, list) and entry and \
                    isinstance(entry[0], (Behaviour, list)):
                turn = self._turns[query.name, qtype]
                self._turns[query.name, qtype] += 1
                entry = entry[min(turn, len(entry) - 1)]
        if entry is None:
            entry = nxdomain()
        return behaviour(entry).reply(self, query, question)

    def _serve_udp(self):
        while not self.stopped.is_set():
            try:
                data, client = self._udp.recvfrom(4096)
            except OSError:
                return
            if self.stopped.is_set() or not client:
                return
            threading.Thread(target=self._one_udp, args=(data, client),
                             daemon=True).start()

    def _one_udp(self, data, client):
        reply = self._answer(data, "udp", client[1])
        if reply is not None:
            try:
                self._udp.sendto(reply, client)
            except OSError:
                pass

    def _serve_tcp(self):
        while not self.stopped.is_set():
            try:
                connection, client = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._one_tcp, args=(connection, client),
                             daemon=True).start()

    def _one_tcp(self, connection, client):
        with connection:
            connection.settimeout(5)
            try:
                while not self.stopped.is_set():
                    head = self._exactly(connection, 2)
                    data = self._exactly(connection,
                                         struct.unpack(">H", head)[0])
                    reply = self._answer(data, "tcp", client[1])
                    if reply is not None:
                        connection.sendall(struct.pack(">H", len(reply)) +
                                           reply)
            except (OSError, EOFError):
                pass

    @staticmethod
    def _exactly(connection, size):
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data
