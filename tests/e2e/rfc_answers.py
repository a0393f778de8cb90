"""The RFC list, answers of origins: heads, bodies, and what of them goes on.
See rfc.py for what a case is."""

from rfc import OK, Case, answer, get, request

CHUNKED = "Transfer-Encoding: chunked"
BODY = "3\r\nabc\r\n0\r\n\r\n"


def given(section, what, given_answer, *here, body="abc", status=200, **more):
    """The origin answers so, and the client gets that."""
    more.setdefault("send", get())
    return Case(section, what, answer=given_answer, here=here, body_here=body,
                statuses=(status,), **more)


def bad(section, what, given_answer):
    """No answer that may be passed on: the client hears 502, and is not to
    blame."""
    return Case(section, what, get(), answer=given_answer, end=True,
                statuses=(502,), here=("HTTP/1.1 502 Bad Gateway",))


def first(text, fields="Content-Length: 3\r\n"):
    """An answer with this first line."""
    return f"{text}\r\n{fields}\r\nabc"


STATUS_LINES = [
    given("9112 4", "a reason of any kind", first("HTTP/1.1 200 A \xe4\tb"),
          "HTTP/1.1 200 A \xe4\tb"),
    given("9112 4", "an empty reason", first("HTTP/1.1 200 "),
          "HTTP/1.1 200 "),
    given("9112 4", "no reason, and no blank before it",
          first("HTTP/1.1 200"), "HTTP/1.1 200 "),
    given("9110 15", "a status that nobody knows", first("HTTP/1.1 299 x"),
          "HTTP/1.1 299 x", status=299),
    given("9110 15", "a server error that nobody knows",
          first("HTTP/1.1 599 x"), "HTTP/1.1 599 x", status=599),
    given("9110 15.4", "a redirection is the client's to follow",
          first("HTTP/1.1 302 x", "Location: http://10.0.0.1/\r\n"
                                  "Content-Length: 3\r\n"),
          "Location: http://10.0.0.1/", status=302),
    given("9110 11.7.1", "the origin's 407", first("HTTP/1.1 407 x"),
          "HTTP/1.1 407 x", status=407),
    bad("9112 4", "no answer but an end", ""),
    bad("9112 4", "half a status line", "HTTP/1.1 20"),
    bad("9112 4", "half a head", "HTTP/1.1 200 OK\r\nA: b\r\n"),
    bad("9112 4", "no HTTP", "220 mail.test ESMTP\r\n"),
    bad("9112 4", "an answer without a head", "<html></html>"),
    bad("9112 4", "another protocol's name", first("ICY 200 OK")),
    bad("9112 4", "two blanks", first("HTTP/1.1  200 OK")),
    bad("9112 4", "a status of two digits", first("HTTP/1.1 20 OK")),
    bad("9112 4", "a status of four digits", first("HTTP/1.1 2000 OK")),
    bad("9112 4", "a status with a letter", first("HTTP/1.1 2x0 OK")),
    bad("9112 4", "a status below 100", first("HTTP/1.1 099 OK")),
    bad("9112 4", "a control in the reason", first("HTTP/1.1 200 \x01")),
    bad("9112 2.3", "a later major version", first("HTTP/2.0 200 OK")),
    bad("9112 2.3", "the version's name in lower case",
        first("http/1.1 200 OK")),
]

FIELDS = [
    given("9110 5.3", "fields of one name keep their order",
          answer("Set-Cookie: a", "X: y", "Set-Cookie: b",
                 "Content-Length: 3", body="abc"),
          "Set-Cookie: a", "Set-Cookie: b"),
    given("9110 5.5", "bytes beyond ASCII in a value",
          answer("A: \xe4", "Content-Length: 3", body="abc"), "A: \xe4"),
    given("9112 5", "blanks around a value are none of it",
          answer("A: \t b \t", "Content-Length: 3", body="abc"), "A: b"),
    # RFC 9112 5.1 wants it mended; refused as whatever can be misread is
    bad("9112 5.1", "a blank before the colon",
        answer("A : b", "Content-Length: 3", body="abc")),
    bad("9112 5.2", "a folded field",
        answer("A: b\r\n c", "Content-Length: 3", body="abc")),
    bad("9112 2.2", "lines end in a line feed alone",
        answer("Content-Length: 3", body="abc").replace("\r\n", "\n")),
    bad("9112 2.2", "a carriage return within a value",
        answer("A: b\rc", "Content-Length: 3", body="abc")),
    bad("9110 5.5", "NUL in a value",
        answer("A: b\0", "Content-Length: 3", body="abc")),
    bad("9110 5.1", "no name", answer(": b", "Content-Length: 0")),
    bad("9110 5.4", "a head too long",
        answer("A: " + "b" * 70000, "Content-Length: 0")),
    given("9110 7.6.1", "Connection and what it names",
          answer("Connection: x-a, close", "X-A: 1", "X-B: 2",
                 "Content-Length: 3", body="abc"), "X-B: 2",
          not_here=("connection", "x-a")),
    given("9110 7.6.1", "other fields of one hop",
          answer("Keep-Alive: timeout=5", "Proxy-Connection: close",
                 "TE: trailers", "Content-Length: 3", body="abc"),
          not_here=("keep-alive", "proxy-connection", "te")),
    given("9110 11.6.1", "WWW-Authenticate is the client's",
          answer("WWW-Authenticate: Negotiate", "Content-Length: 3",
                 body="abc"), "WWW-Authenticate: Negotiate"),
    given("9110 7.8", "an Upgrade that is only offered",
          answer("Connection: Upgrade", "Upgrade: h2", "Content-Length: 3",
                 body="abc"), not_here=("upgrade", "connection")),
    given("9110 7.6.3", "Via goes on as it is",
          answer("Via: 1.1 a", "Content-Length: 3", body="abc"), "Via: 1.1 a"),
    given("9110 6.6.1", "Date goes on as it is",
          answer("Date: Tue, 15 Nov 1994 08:12:31 GMT", "Content-Length: 3",
                 body="abc"), "Date: Tue, 15 Nov 1994 08:12:31 GMT"),
    given("9110 8.4", "a coding of the content is left alone",
          answer("Content-Encoding: gzip", "Content-Length: 3", body="abc"),
          "Content-Encoding: gzip", "Content-Length: 3"),
]

LENGTHS = [
    given("9112 6.3", "a length", answer("Content-Length: 3", body="abc"),
          "Content-Length: 3"),
    given("9112 6.3", "a length of nothing", answer("Content-Length: 0"),
          "Content-Length: 0", body=""),
    given("9112 6.3", "chunks", answer(CHUNKED, body=BODY), CHUNKED),
    given("9112 6.3", "no length: to the end", answer(body="abc"), CHUNKED,
          end=True),
    given("9112 6.3", "no length and no body", answer(), CHUNKED, body="",
          end=True),
    given("9112 6.3", "no length, to a 1.0 client", answer(body="abc"),
          "HTTP/1.0 200 OK", send=request(version="1.0"), end=True,
          stays=False, not_here=("transfer-encoding", "content-length")),
    given("9112 7.1", "chunks for a 1.0 client", answer(CHUNKED, body=BODY),
          send=request(version="1.0"), stays=False,
          not_here=("transfer-encoding",)),
    given("9112 7.1.1", "extensions go no further",
          answer(CHUNKED, body='3;a="b"\r\nabc\r\n0;c\r\n\r\n'), CHUNKED),
    given("9112 7.1.2", "trailers",
          answer(CHUNKED, body="3\r\nabc\r\n0\r\nX-A: b\r\n\r\n"), CHUNKED,
          "trailer X-A: b"),
    given("9110 6.5.1", "a length is no trailer",
          answer(CHUNKED, body="3\r\nabc\r\n0\r\nContent-Length: 9\r\n"
                               "X-A: b\r\n\r\n"), "trailer X-A: b",
          not_here=("trailer content-length",)),
    given("9112 9.2", "bytes behind an answer are nobody's",
          answer("Content-Length: 3", body="abc") + OK),
    bad("9112 6.3", "two lengths",
        answer("Content-Length: 3", "Content-Length: 4", body="abc")),
    bad("9112 6.3", "two equal lengths",
        answer("Content-Length: 3", "Content-Length: 3", body="abc")),
    bad("9112 6.3", "a list of lengths",
        answer("Content-Length: 3, 3", body="abc")),
    bad("9112 6.3", "a length that is none",
        answer("Content-Length: x", body="abc")),
    bad("9112 6.3", "a coding and a length",
        answer(CHUNKED, "Content-Length: 3", body=BODY)),
    bad("9112 6.1", "a coding that is not known",
        answer("Transfer-Encoding: gzip", body="abc")),
    bad("9112 6.1", "chunked is not the last coding",
        answer("Transfer-Encoding: chunked, gzip", body=BODY)),
    bad("9112 6.1", "a coding in 1.0",
        answer(CHUNKED, body=BODY, version="1.0")),
    given("9112 8", "a body that ends too early",
          answer("Content-Length: 4", body="abc"), body=None, end=True,
          cut=True, stays=False),
    given("9112 8", "chunks that end too early",
          answer(CHUNKED, body="3\r\nabc\r\n"), body=None, end=True, cut=True,
          stays=False),
    given("9112 8", "a chunk that ends too early",
          answer(CHUNKED, body="4\r\nabc"), body=None, end=True, cut=True,
          stays=False),
    given("9112 7.1", "a chunk's size that is none",
          answer(CHUNKED, body="x\r\nabc\r\n0\r\n\r\n"), body=None, cut=True,
          stays=False),
    given("9112 7.1", "a chunk's size that ends in a line feed alone",
          answer(CHUNKED, body="3\nabc\r\n0\r\n\r\n"), body=None, cut=True,
          stays=False),
]

SILENT = [
    given("9110 9.3.2", "HEAD: what the length would be",
          answer("Content-Length: 3"), "Content-Length: 3", body="",
          send=request("HEAD")),
    given("9110 9.3.2", "HEAD: what would come in chunks", answer(CHUNKED),
          body="", send=request("HEAD"), not_here=("content-length",)),
    given("9110 9.3.2", "HEAD: nothing said", answer(), body="",
          send=request("HEAD"), not_here=("content-length",)),
    given("9112 6.3", "HEAD: an error has no body either",
          answer("Content-Length: 3", status="404 x"), "Content-Length: 3",
          body="", send=request("HEAD"), status=404),
    given("9110 15.3.5", "204 has no body", answer(status="204 x"),
          "HTTP/1.1 204 x", body="", status=204,
          not_here=("content-length", "transfer-encoding")),
    given("9110 8.6", "204 has no length",
          answer("Content-Length: 0", status="204 x"), body="", status=204,
          not_here=("content-length",)),
    given("9110 15.4.5", "304 has no body",
          answer("Content-Length: 3", "ETag: x", status="304 x"),
          "Content-Length: 3", "ETag: x", body="", status=304),
    given("9112 6.1", "304 has no chunks",
          answer(CHUNKED, status="304 x"), body="", status=304,
          not_here=("transfer-encoding",)),
    given("9110 15.3.6", "205 with a length of nothing",
          answer("Content-Length: 0", status="205 x"), "Content-Length: 0",
          body="", status=205),
]


def interim(section, what, before, statuses, **more):
    more.setdefault("send", get())
    return Case(section, what, answer=before + OK, statuses=statuses,
                **more)


HINTS = answer("Link: </a>", status="103 Early Hints")
INTERIM = [
    interim("9110 15.2", "100 goes on", answer(status="100 Continue"),
            (100, 200), send=request(
                "POST", "/", "Expect: 100-continue", "Content-Length: 3",
                body="abc")),
    interim("9110 15.2", "one that nobody asked for goes on",
            answer(status="100 x"), (100, 200)),
    interim("9110 15.2", "several", HINTS + answer(status="102 x") + HINTS,
            (103, 102, 103, 200)),
    interim("9110 15.2", "one that nobody knows", answer(status="199 x"),
            (199, 200)),
    interim("9110 15.2", "none for a 1.0 client", HINTS, (200,),
            send=request(version="1.0"), stays=False,
            here=("HTTP/1.0 200 OK",)),
    interim("9110 8.6", "an interim answer has no body",
            answer("Content-Length: 3", status="103 x"), (103, 200)),
    interim("9110 10.1.1", "417 is the origin's to say",
            answer("Content-Length: 0", status="417 x"), (417,), stays=True,
            end=True, send=get("Expect: x")),
    bad("9110 15.2.2", "101 that nobody asked for",
        answer("Connection: Upgrade", "Upgrade: websocket", status="101 x")),
    Case("9110 15.2", "interim answers, then an end", get(), answer=HINTS,
         end=True, statuses=(103, 502)),
    Case("9110 7.8", "101 that was asked for",
         get("Connection: Upgrade", "Upgrade: websocket"),
         answer=answer("Connection: Upgrade", "Upgrade: websocket",
                       status="101 x", body="hello"), end=True,
         there=("Connection: Upgrade", "Upgrade: websocket"),
         here=("Connection: Upgrade", "Upgrade: websocket"),
         statuses=(101,), rest="hello", stays=False),
    Case("9110 7.8", "101 to something else than was asked for",
         get("Connection: Upgrade", "Upgrade: websocket"),
         answer=answer("Connection: Upgrade", "Upgrade: h2c",
                       status="101 x"), end=True, statuses=(502,)),
]

CASES = STATUS_LINES + FIELDS + LENGTHS + SILENT + INTERIM
