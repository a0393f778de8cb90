"""The RFC list, requests: lines, targets, fields, bodies, and what of them goes
on.  See rfc.py for what a case is."""

from rfc import Case, get, passed, post, refused, request

G = get()
CHUNKED = "Transfer-Encoding: chunked"
NEXT = get()  # behind a request that is refused: nobody's answer
OWN = ("This is a proxy server. Does not respond to non-proxy requests.\n")


def line(text):
    """A request with this first line."""
    return text + "\r\nHost: {at}\r\n\r\n"


def own(section, what, send, status, **more):
    """The proxy answers it itself."""
    return Case(section, what, send, seen=(), statuses=(status,), stays=False,
                **more)


def method(section, what, name, **more):
    return passed(section, what, request(name), f"{name} / HTTP/1.1", **more)


def target(section, what, path, wanted=None):
    return passed(section, what, request("GET", path),
                  f"GET {wanted or path} HTTP/1.1")


def chunked(section, what, body, data="abc", *there, **more):
    return passed(section, what, post(CHUNKED, body=body), "POST / HTTP/1.1",
                  CHUNKED, *there, body_there=data, **more)


def bad_chunks(section, what, body):
    return refused(section, what, post(CHUNKED, body=body))


MESSAGES = [
    passed("9112 2.2", "one empty line before a request", "\r\n" + G),
    refused("9112 2.2", "two empty lines before a request", "\r\n\r\n" + G),
    refused("9112 2.2", "a line ends in a line feed alone",
            G.replace("Host: {at}\r\n", "Host: {at}\n")),
    refused("9112 2.2", "all lines end in a line feed alone",
            G.replace("\r\n", "\n")),
    refused("9112 2.2", "a carriage return within a value", get("A: b\rc")),
    refused("9112 2.2", "a carriage return too many at a line's end",
            get("A: b\r")),
    refused("9112 2.2", "a blank before the first field",
            G.replace("Host", " Host")),
    refused("9112 2.2", "a blank line that is not empty before the request",
            " \r\n" + G),
    refused("9112 2.2", "bytes that are no HTTP", "\x16\x03\x01\x02\x00"),
    passed("9112 2.3", "a later minor version counts as 1.1",
           request(version="1.9"), here=("HTTP/1.1 200 OK",)),
    refused("9112 2.3", "a later major version", request(version="2.0"), 505),
    refused("9112 2.3", "an earlier major version", request(version="0.9"),
            505),
    refused("9112 2.3", "a version of two digits", request(version="1.10")),
    refused("9112 2.3", "a major version of two digits",
            request(version="01.1")),
    refused("9112 2.3", "a version without a minor one",
            line("GET http://{at}/ HTTP/1")),
    refused("9112 2.3", "the version's name in lower case",
            line("GET http://{at}/ http/1.1")),
    passed("9112 2.3", "a 1.0 client's request goes on as 1.1",
           request(version="1.0"), here=("HTTP/1.0 200 OK",), stays=False),
]

REQUEST_LINES = [
    refused("9112 3", "two blanks", line("GET  http://{at}/ HTTP/1.1")),
    refused("9112 3", "a tab for a blank", line("GET\thttp://{at}/ HTTP/1.1")),
    refused("9112 3", "a blank at the end", line("GET http://{at}/ HTTP/1.1 ")),
    refused("9112 3", "a blank at the start", " " + G),
    refused("9112 3", "no version", line("GET http://{at}/")),
    refused("9112 3", "nothing but a method", line("GET")),
    refused("9112 3", "a fourth word", line("GET http://{at}/ a HTTP/1.1")),
    refused("9112 3", "a method longer than any",
            request("A" * 33), 501),
    refused("9112 3", "a target longer than any", get().replace(
        "{at}/", "{at}/" + "a" * 8192), 414),
    method("9112 3.1", "an unknown method goes on", "BREW"),
    method("9112 3.1", "a method keeps its case", "get"),
    method("9112 3.1", "a method may be any token", "!#$%&'*+-.^_`|~9"),
    refused("9112 3.1", "a delimiter in the method", request("GE(T")),
    refused("9112 3.1", "a colon in the method", request("GET:")),
    refused("9112 3.1", "a control in the method", request("G\x01T")),
    refused("9112 3.1", "no method", line("http://{at}/ HTTP/1.1")),
]

TARGETS = [
    own("9112 3.2.1", "the origin form asks for no proxy",
        line("GET / HTTP/1.1"), 500, body_here=OWN),
    refused("9112 3.2", "a blank in the target", request(path="/a b")),
    refused("9112 3.2", "a control in the target", request(path="/\x7f")),
    refused("9112 3.2", "a fragment", request(path="/#a")),
    passed("9112 3.2.2", "the absolute form becomes the origin form",
           request(path="/a?b"), "GET /a?b HTTP/1.1"),
    target("9112 3.2.1", "no path becomes a slash", "", "/"),
    target("9112 3.2.1", "a slash before a query without a path", "?a=b",
           "/?a=b"),
    target("9110 7.7", "dot segments are left alone", "/a/../b/./c"),
    target("9110 7.7", "escapes are left alone", "/%2F%2e%2E%7e"),
    target("9110 7.7", "an empty query is left alone", "/a?"),
    target("9110 7.7", "empty segments are left alone", "//a//"),
    target("9110 7.7", "a URL in the path is a path", "/http://other.test/"),
    passed("9110 4.2.3", "the scheme in capitals",
           line("GET HTTP://{at}/ HTTP/1.1")),
    passed("9110 4.2.4", "userinfo goes no further",
           line("GET http://a:b@{at}/ HTTP/1.1"), "GET / HTTP/1.1",
           "Host: {at}"),
    refused("9110 4.2.1", "no host", line("GET http:///a HTTP/1.1")),
    refused("9110 4.2.1", "no host but a port", line("GET http://:80/ HTTP/1.1"
                                                     )),
    Case("9110 4.2.1", "a port out of range",
         line("GET http://127.0.0.1:65536/ HTTP/1.1"), seen=(),
         statuses=(407,)),
    refused("9110 4.2.1", "a port that is none",
            line("GET http://127.0.0.1:+80/ HTTP/1.1")),
    Case("9112 3.2.2", "a scheme that is not spoken",
         line("GET gopher://{at}/ HTTP/1.1"), seen=(), statuses=(500,),
         stays=False),
    passed("9112 3.2.2", "a name", line("GET http://origin.test:{port}/ "
                                        "HTTP/1.1"),
           "GET / HTTP/1.1", "Host: origin.test:{port}"),
    passed("9110 4.2.1", "an internationalised name",
           line("GET http://b%C3%BCcher.test:{port}/ HTTP/1.1"),
           "GET / HTTP/1.1", "Host: xn--bcher-kva.test:{port}"),
    refused("9112 3.2.3", "the authority form is for CONNECT",
            line("GET {at} HTTP/1.1")),
    refused("9112 3.2.4", "the asterisk is for OPTIONS",
            line("GET * HTTP/1.1")),
    own("9112 3.2.4", "OPTIONS of the proxy", line("OPTIONS * HTTP/1.1"), 200,
        body_here=""),
    passed("9112 3.2.4", "OPTIONS of the origin, as a whole",
           request("OPTIONS", ""), "OPTIONS * HTTP/1.1"),
    passed("9112 3.2.4", "OPTIONS of a path", request("OPTIONS", "/"),
           "OPTIONS / HTTP/1.1"),
]


def host(section, what, *fields, version="1.1"):
    """Refused for its Host fields."""
    return refused(section, what, "\r\n".join(
        [f"GET http://{{at}}/ HTTP/{version}", *fields, "", ""]))


HOSTS = [
    host("9112 3.2", "no Host"),
    host("9112 3.2", "two Hosts", "Host: {at}", "Host: other.test"),
    host("9112 3.2", "two equal Hosts", "Host: {at}", "HOST: {at}"),
    host("9112 3.2", "two Hosts in 1.0", "Host: {at}", "Host: {at}",
         version="1.0"),
    host("9112 3.2", "a Host with a blank", "Host: a b"),
    host("9112 3.2", "a Host that is a list", "Host: {at}, {at}"),
    host("9112 3.2", "a Host with a path", "Host: {at}/"),
    host("9112 3.2", "a Host with userinfo", "Host: a@{at}"),
    host("9112 3.2", "a Host with a port that is none", "Host: a.test:b"),
    host("9112 3.2", "a Host with two ports", "Host: a.test:1:2"),
    host("9112 3.2", "a Host with half a bracket", "Host: [::1"),
    host("9112 3.2", "a Host with a broken escape", "Host: a%2"),
    passed("9112 3.2", "an empty Host", G.replace("Host: {at}", "Host:"),
           "GET / HTTP/1.1", "Host: {at}"),
    passed("9112 3.2", "a Host that is an IPv6 address",
           G.replace("Host: {at}", "Host: [2001:db8::1]:80"),
           "GET / HTTP/1.1", "Host: {at}"),
    passed("9112 3.2.2", "the target wins over Host",
           G.replace("Host: {at}", "Host: other.test"), "GET / HTTP/1.1",
           "Host: {at}"),
    passed("9112 3.2", "no Host in 1.0", "GET http://{at}/ HTTP/1.0\r\n\r\n",
           "GET / HTTP/1.1", "Host: {at}", stays=False),
]


def field(section, what, sent, *there, **more):
    return passed(section, what, get(*sent.split("\n")), "GET / HTTP/1.1",
                  *there, **more)


FIELDS = [
    field("9112 5", "blanks around a value are none of it", "A: \t b \t",
          "A: b"),
    field("9112 5", "no blank behind the colon", "A:b", "A: b"),
    field("9112 5", "an empty value", "A:", "A: "),
    field("9110 5.1", "a name keeps its case", "x-MiXeD: 1", "x-MiXeD: 1"),
    field("9110 5.1", "names of all token characters",
          "!#$%&'*+-.^_`|~09Az: 1", "!#$%&'*+-.^_`|~09Az: 1"),
    field("9110 5.3", "fields of one name keep their order", "A: 1\nB: x\nA: 2",
          "A: 1", "A: 2"),
    field("9110 5.5", "bytes beyond ASCII in a value", "A: \xe4\xff",
          "A: \xe4\xff"),
    field("9110 5.5", "a colon and quotes in a value", 'A: b:"c;\t,d"',
          'A: b:"c;\t,d"'),
    refused("9112 5.1", "a blank before the colon", get("A : b")),
    refused("9112 5.1", "a tab before the colon", get("A\t: b")),
    refused("9112 5.1", "a blank before the colon of a length",
            post("Content-Length : 3", body="abc")),
    refused("9110 5.1", "no name", get(": b")),
    refused("9110 5.1", "no colon", get("A")),
    refused("9110 5.1", "a blank in a name", get("A B: c")),
    refused("9110 5.1", "a bracket in a name", get("A[0]: c")),
    refused("9110 5.1", "a byte beyond ASCII in a name", get("\xe4: c")),
    refused("9110 5.5", "NUL in a value", get("A: b\0c")),
    refused("9110 5.5", "a control in a value", get("A: b\x1bc")),
    refused("9110 5.5", "DEL in a value", get("A: b\x7fc")),
    refused("9112 5.2", "a folded field", get("A: b\r\n c")),
    refused("9112 5.2", "a field folded with a tab", get("A: b\r\n\tc")),
    refused("9112 5.2", "a folded field that is empty", get("A:\r\n \r\n")),
    refused("9110 5.4", "too many fields", get(*["A: b"] * 128), 431),
    refused("9110 5.4", "a field too long", get("A: " + "b" * 32768), 431),
]

LENGTHS = [
    passed("9112 6.3", "a request without a length has no body", post(),
           "POST / HTTP/1.1", body_there="",
           not_there=("content-length", "transfer-encoding")),
    passed("9112 6.2", "a length", post("Content-Length: 3", body="abc"),
           "POST / HTTP/1.1", "Content-Length: 3", body_there="abc"),
    passed("9110 8.6", "a length of nothing", post("Content-Length: 0"),
           "POST / HTTP/1.1", "Content-Length: 0", body_there=""),
    passed("9110 8.6", "a length with zeros in front",
           post("Content-Length: 0003", body="abc"), "POST / HTTP/1.1",
           "Content-Length: 3", body_there="abc"),
    passed("9110 9.3.1", "GET with a body",
           get("Content-Length: 3", body="abc"), "GET / HTTP/1.1",
           "Content-Length: 3", body_there="abc"),
    passed("9110 9.3.5", "DELETE with a body",
           request("DELETE", "/", "Content-Length: 3", body="abc"),
           "DELETE / HTTP/1.1", "Content-Length: 3", body_there="abc"),
    refused("9112 6.3", "two lengths",
            post("Content-Length: 3", "Content-Length: 4", body="abc" + NEXT)),
    refused("9112 6.3", "two equal lengths",
            post("Content-Length: 3", "Content-Length: 3", body="abc" + NEXT)),
    refused("9112 6.3", "a list of lengths",
            post("Content-Length: 3, 4", body="abc" + NEXT)),
    refused("9110 8.6", "a negative length", post("Content-Length: -1")),
    refused("9110 8.6", "a length with a sign",
            post("Content-Length: +3", body="abc")),
    refused("9110 8.6", "a length in hexadecimal",
            post("Content-Length: 0x3", body="abc")),
    refused("9110 8.6", "a length that is a word", post("Content-Length: a")),
    refused("9110 8.6", "an empty length", post("Content-Length:")),
    refused("9110 8.6", "a length beyond 64 bits",
            post("Content-Length: 99999999999999999999")),
    refused("9112 6.1", "a coding and a length",
            post(CHUNKED, "Content-Length: 3", body="0\r\n\r\n" + NEXT)),
    refused("9112 6.1", "a length and a coding",
            post("Content-Length: 5", CHUNKED, body="0\r\n\r\n" + NEXT)),
    refused("9112 6.1", "a coding in 1.0", request(
        "POST", "/", CHUNKED, body="0\r\n\r\n", version="1.0")),
    refused("9112 6.1", "a coding that is not known",
            post("Transfer-Encoding: x", body="0\r\n\r\n"), 501),
    refused("9112 6.1", "a coding before chunked",
            post("Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"), 501),
    refused("9112 6.3", "chunked is not the last coding",
            post("Transfer-Encoding: chunked, gzip", body="0\r\n\r\n")),
    refused("9112 6.1", "chunked twice",
            post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n")),
    refused("9112 6.1", "two fields of chunked",
            post(CHUNKED, CHUNKED, body="0\r\n\r\n")),
    refused("9112 7", "a parameter of chunked",
            post("Transfer-Encoding: chunked;a=1", body="0\r\n\r\n")),
    refused("9112 6.1", "an empty coding", post("Transfer-Encoding:")),
    passed("9112 7", "chunked in capitals",
           post("Transfer-Encoding: CHUNKED", body="3\r\nabc\r\n0\r\n\r\n"),
           "POST / HTTP/1.1", CHUNKED, body_there="abc"),
]

CHUNKS = [
    chunked("9112 7.1", "no data", "0\r\n\r\n", ""),
    chunked("9112 7.1", "several chunks", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
    chunked("9112 7.1", "sizes in hexadecimal, either case",
            "A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n",
            "01234567890123456789a"),
    chunked("9112 7.1", "zeros in front", "0003\r\nabc\r\n0000\r\n\r\n"),
    chunked("9112 7.1", "data that looks like chunks",
            "9\r\n0\r\n\r\nGET \r\n0\r\n\r\n", "0\r\n\r\nGET "),
    chunked("9112 7.1.1", "an extension", "3;a\r\nabc\r\n0\r\n\r\n"),
    chunked("9112 7.1.1", "extensions with values",
            '3;a=b;c="d\\";"\r\nabc\r\n0;e=f\r\n\r\n'),
    chunked("9112 7.1.1", "blanks around an extension's signs",
            '3 ;\ta = b\t; c="d" ;e\r\nabc\r\n0\r\n\r\n'),
    chunked("9112 7.1.2", "trailers", "3\r\nabc\r\n0\r\nX-A: b\r\n\r\n",
            "abc", "trailer X-A: b"),
    chunked("9110 6.5.1", "a length is no trailer",
            "0\r\nContent-Length: 9\r\nX-A: b\r\n\r\n", "", "trailer X-A: b",
            not_there=("trailer content-length",)),
    bad_chunks("9112 7.1", "a size that is none", "x\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "an empty size", "\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a negative size", "-3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a size with a blank behind it",
               "3 \r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a size with a blank before it",
               " 3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a size beyond 64 bits",
               "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "a size that ends in a line feed alone",
               "3\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "data longer than its size",
               "2\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "data shorter than its size",
               "4\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1", "no line end behind the data",
               "3\r\nabc0\r\n\r\n"),
    bad_chunks("9112 7.1.1", "an extension with a line feed in it",
               "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1.1", "an extension without a name",
               "3;\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1.1", "an extension without an end",
               "3;" + "a" * 20000 + "\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("9112 7.1.2", "a trailer with a blank before the colon",
               "0\r\nA : b\r\n\r\n"),
    bad_chunks("9112 7.1.2", "a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"),
]


def hop(section, what, *fields, gone=(), there=(), **more):
    return passed(section, what, get(*fields), "GET / HTTP/1.1", *there,
                  not_there=tuple(gone), **more)


HOPS = [
    hop("9110 7.6.1", "Connection and what it names",
        "Connection: x-a, X-B", "X-A: 1", "X-b: 2", "X-C: 3",
        gone=("connection", "x-a", "x-b"), there=("X-C: 3",)),
    hop("9110 7.6.1", "several Connection fields, and empty elements",
        "Connection: ,x-a,,", "Connection: , x-b", "X-A: 1", "X-B: 2",
        gone=("connection", "x-a", "x-b")),
    hop("9110 7.6.1", "a field that is named and not there",
        "Connection: x-nothing", gone=("connection",)),
    hop("9110 7.6.1", "Keep-Alive", "Keep-Alive: timeout=5",
        gone=("keep-alive",)),
    hop("9110 7.6.1", "Proxy-Connection", "Proxy-Connection: keep-alive",
        gone=("proxy-connection",)),
    hop("9110 7.6.1", "Connection cannot name Host",
        "Connection: host", there=("Host: {at}",)),
    passed("9110 7.6.1", "Connection cannot name the framing",
           post("Connection: content-length", "Content-Length: 3", body="abc"),
           "POST / HTTP/1.1", "Content-Length: 3", body_there="abc"),
    refused("9110 7.6.1", "a Connection that is no list of tokens",
            get("Connection: a b")),
    hop("9110 10.1.4", "TE", "TE: gzip", "Connection: TE", gone=("te",)),
    hop("9110 10.1.4", "TE: trailers is said anew", "TE: trailers, gzip;q=1",
        "Connection: TE", there=("TE: trailers", "Connection: TE")),
    hop("9110 11.7.2", "Proxy-Authorization", "Proxy-Authorization: Basic x",
        gone=("proxy-authorization",)),
    hop("9110 11.6.2", "Authorization is the origin's",
        "Authorization: Basic x", there=("Authorization: Basic x",)),
    hop("9110 7.6.3", "Via goes on as it is", "Via: 1.1 a",
        there=("Via: 1.1 a",)),
    hop("9110 7.6.3", "nothing tells the origin of us",
        gone=("via", "forwarded", "x-forwarded-for", "user-agent",
              "accept-encoding", "connection")),
    hop("9110 6.6.2", "Trailer without chunks", "Trailer: a",
        gone=("trailer",)),
    hop("9110 7.8", "Upgrade to what a proxy cannot follow",
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: x", gone=("upgrade", "http2-settings",
                                   "connection")),
    hop("9110 7.8", "Upgrade that Connection does not name",
        "Upgrade: websocket", gone=("upgrade", "connection")),
    passed("9110 7.8", "Upgrade in 1.0 is ignored",
           request("GET", "/", "Connection: Upgrade", "Upgrade: websocket",
                   version="1.0"),
           "GET / HTTP/1.1", not_there=("upgrade",), stays=False),
    passed("9110 7.6.2", "Max-Forwards counts down",
           request("OPTIONS", "/", "Max-Forwards: 5"), "OPTIONS / HTTP/1.1",
           "Max-Forwards: 4"),
    passed("9110 7.6.2", "Max-Forwards of TRACE",
           request("TRACE", "/", "Max-Forwards: 1"), "TRACE / HTTP/1.1",
           "Max-Forwards: 0"),
    passed("9110 7.6.2", "Max-Forwards means nothing to GET",
           get("Max-Forwards: 0"), "GET / HTTP/1.1", "Max-Forwards: 0"),
    own("9110 7.6.2", "OPTIONS goes no further than it may",
        request("OPTIONS", "/", "Max-Forwards: 0"), 200),
    own("9110 9.3.8", "TRACE goes no further than it may",
        request("TRACE", "/", "Max-Forwards: 0"), 405,
        here=("Allow: OPTIONS",)),
    method("9110 9.3.8", "TRACE is the origin's to answer", "TRACE"),
    passed("9110 10.1.1", "Expect goes on",
           post("Expect: 100-continue", "Content-Length: 3", body="abc"),
           "POST / HTTP/1.1", "Expect: 100-continue", body_there="abc"),
    passed("9110 10.1.1", "Expect of 1.0 is ignored",
           request("POST", "/", "Expect: 100-continue", "Content-Length: 3",
                   body="abc", version="1.0"),
           "POST / HTTP/1.1", not_there=("expect",), stays=False),
    passed("9110 10.1.1", "an expectation that is unknown here",
           get("Expect: x"), "GET / HTTP/1.1", "Expect: x"),
]

A, B, C = (request(path=f"/{name}") for name in "abc")
SEEN_AB = ("GET /a HTTP/1.1", "GET /b HTTP/1.1")

TURNS = [
    Case("9112 9.3", "a connection is kept", A, seen=SEEN_AB[:1],
         not_here=("connection",)),
    Case("9112 9.3.2", "requests one behind the other", A + B + C,
         seen=(*SEEN_AB, "GET /c HTTP/1.1"), statuses=(200, 200, 200)),
    Case("9112 9.3.2", "a body, then a request",
         request("POST", "/a", "Content-Length: 1", body="x") + B,
         seen=("POST /a HTTP/1.1", SEEN_AB[1]), statuses=(200, 200)),
    Case("9112 9.3.2", "chunks, then a request",
         request("POST", "/a", CHUNKED, body="0\r\n\r\n") + B,
         seen=("POST /a HTTP/1.1", SEEN_AB[1]), statuses=(200, 200)),
    Case("9112 9.3.2", "an empty line between requests", A + "\r\n" + B,
         seen=SEEN_AB, statuses=(200, 200)),
    Case("9112 9.6", "close ends it", get("Connection: close"),
         not_there=("connection",), here=("Connection: close",), stays=False),
    Case("9112 9.6", "close among others, in capitals",
         get("Connection: x, CLOSE"), here=("Connection: close",),
         stays=False),
    Case("9112 9.6", "nothing is read behind close",
         request("GET", "/a", "Connection: close") + B, seen=SEEN_AB[:1],
         stays=False),
    Case("9112 9.3", "1.0 ends it", request("GET", "/a", version="1.0") + B,
         seen=SEEN_AB[:1], stays=False),
    Case("9112 9.3", "no connection of a 1.0 client is kept by a proxy",
         request("GET", "/a", "Connection: keep-alive", version="1.0") + B,
         seen=SEEN_AB[:1], stays=False),
    Case("9112 9.3", "a malformed one behind a good one",
         A + get("B : c"), seen=SEEN_AB[:1], statuses=(200, 400),
         stays=False),
    Case("9112 9.3.2", "a denied one between others",
         A + line("GET http://10.0.0.1/ HTTP/1.1") + B, seen=SEEN_AB,
         statuses=(200, 407, 200)),
]

CASES = (MESSAGES + REQUEST_LINES + TARGETS + HOSTS + FIELDS + LENGTHS +
         CHUNKS + HOPS + TURNS)
