"""The RFC list, CONNECT: RFC 9110 9.3.6 and RFC 9112 3.2.3.
See rfc.py for what a case is."""

from rfc import Case, refused


def connect(target="{echo}", *lines, version="1.1", host="{echo}"):
    return "\r\n".join([f"CONNECT {target} HTTP/{version}", f"Host: {host}",
                        *lines, "", ""])


def tunnel(section, what, send, echoes="", **more):
    """It becomes one: what is sent comes back."""
    return Case(section, what, send, seen=(), echoes=echoes, stays=False,
                not_here=("content-length", "transfer-encoding", "date",
                          "connection"), **more)


def denied(section, what, send, status=407):
    return Case(section, what, send, seen=(), statuses=(status,),
                stays=False, here=("Connection: close",))


def bad_target(what, target):
    return refused("9112 3.2.3", what, connect(target))


CASES = [
    tunnel("9110 9.3.6", "a tunnel", connect(), here=("HTTP/1.1 200 OK",)),
    tunnel("9110 9.3.6", "bytes right behind the head are the tunnel's first",
           connect() + "early", "early"),
    tunnel("9110 9.3.6", "bytes that look like a request are the tunnel's",
           connect() + "GET http://{at}/ HTTP/1.1\r\n\r\n",
           "GET http://{at}/ HTTP/1.1\r\n\r\n"),
    tunnel("9110 9.3.6", "by name", connect("origin.test:{echo_port}")),
    tunnel("9110 9.3.6", "a name in capitals and a dot at its end",
           connect("ORIGIN.test.:{echo_port}")),
    tunnel("9110 9.3.6", "a Host that says something else",
           connect(host="other.test")),
    tunnel("9110 9.3.6", "from a 1.0 client", connect(version="1.0")),
    tunnel("9112 3.2", "without a Host", "CONNECT {echo} HTTP/1.1\r\n\r\n"),
    tunnel("9110 9.3.6", "a length of nothing", connect(
        "{echo}", "Content-Length: 0")),
    tunnel("9110 9.3.6", "an expectation, an upgrade and Connection",
           connect("{echo}", "Expect: 100-continue", "Upgrade: websocket",
                   "Connection: Upgrade, close")),
    tunnel("9110 9.3.6", "Max-Forwards means nothing to it",
           connect("{echo}", "Max-Forwards: 0")),
    tunnel("9110 11.7.2", "credentials that nobody asked for",
           connect("{echo}", "Proxy-Authorization: Basic x")),
    Case("9110 9.3.6", "behind another request",
         "GET http://{at}/ HTTP/1.1\r\nHost: x\r\n\r\n" + connect() + "a",
         seen=("GET / HTTP/1.1",), statuses=(200, 200), echoes="a"),
    denied("9110 9.3.6", "a destination that is denied",
           connect("10.0.0.1:443")),
    denied("9110 9.3.6", "one that is denied, and what comes behind it",
           connect("10.0.0.1:443") + connect()),
    denied("9110 9.3.6", "a name that does not exist",
           connect("none.test:443"), 502),
    denied("9112 3.2.3", "no port", connect("origin.test")),
    denied("9112 3.2.3", "an empty port", connect("origin.test:")),
    denied("9112 3.2.3", "a port out of range", connect("origin.test:65536")),
    denied("9112 3.2.3", "two ports", connect("origin.test:1:2")),
    denied("9112 3.2.3", "two ports, in Host too",
           connect("origin.test:1:2", host="origin.test:1:2")),
    denied("9112 3.2.3", "an IPv6 address without brackets, in Host too",
           connect("2001:db8::1:443", host="2001:db8::1:443")),
    refused("9112 3.2", "a Host with two ports", connect(host="a.test:1:2")),
    denied("9112 3.2.3", "no host", connect(":443")),
    bad_target("a port that is a word", "origin.test:http"),
    bad_target("a port with a sign", "origin.test:+443"),
    bad_target("userinfo", "a:b@origin.test:443"),
    bad_target("a path", "origin.test:443/"),
    bad_target("a query", "origin.test:443?a"),
    bad_target("a fragment", "origin.test:443#a"),
    bad_target("a URL", "http://origin.test:443/"),
    bad_target("the origin form", "/"),
    bad_target("the asterisk", "*"),
    bad_target("a name in brackets", "[origin.test]:443"),
    bad_target("an escape in the name", "origin%2etest:443"),
    bad_target("a blank in the name", "origin .test:443"),
    bad_target("a backslash in the name", "origin\\test:443"),
    refused("9112 3.1", "connect in lower case is another method",
            connect().replace("CONNECT", "connect")),
    refused("9110 9.3.6", "a body with a length",
            connect("{echo}", "Content-Length: 3") + "abc"),
    refused("9110 9.3.6", "a body in chunks",
            connect("{echo}", "Transfer-Encoding: chunked") + "0\r\n\r\n"),
    refused("9112 6.1", "a coding and a length",
            connect("{echo}", "Transfer-Encoding: chunked",
                    "Content-Length: 0")),
    refused("9112 2.2", "lines end in a line feed alone",
            connect().replace("\r\n", "\n")),
    refused("9112 5.1", "a blank before the colon",
            connect("{echo}", "A : b")),
    refused("9112 5.2", "a folded field", connect("{echo}", "A: b\r\n c")),
    refused("9112 3.2", "two Hosts", connect("{echo}", "Host: {echo}")),
    refused("9112 2.3", "a later major version", connect(version="2.0"), 505),
]
