"""One case of the RFC list: what a client sends, what the origin answers, and
what each of them gets to see.  The tables are rfc_requests.py, rfc_answers.py
and rfc_connect.py; test_rfc.py holds the proxy to them.

`{at}` stands for the origin's address and port, `{echo}` for those of a server
that sends back what it gets; text is Latin-1."""

from dataclasses import dataclass

OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Case:
    section: str  # "9112 6.3": RFC and section
    what: str
    send: str

    # --- the origin's part
    answer: str = OK  # to every request
    end: bool = False  # then it closes
    seen: tuple = None  # first lines of the whole requests it got; None: any
    there: tuple = ()  # field lines of the first of them
    not_there: tuple = ()  # names of fields that are not in it
    body_there: str = None

    # --- what the client gets
    statuses: tuple = (200,)  # in order, interim ones too
    here: tuple = ()  # lines of the last answer's head, the first one too
    not_here: tuple = ()  # names of fields that are not in it
    body_here: str = None
    cut: bool = False  # its body breaks off
    stays: bool = True  # the connection serves another request; else it ends
    rest: str = ""  # what else comes before its end
    echoes: str = None  # it is a tunnel, through which this comes back


def refused(section, what, send, status=400):
    """The proxy answers it, ends the connection, and no origin hears of it."""
    return Case(section, what, send, seen=(), statuses=(status,), stays=False,
                not_here=("transfer-encoding",))


def passed(section, what, send, first="GET / HTTP/1.1", *there, **more):
    """The origin gets it, with `first` as its first line."""
    return Case(section, what, send, seen=(first,), there=there, **more)


def request(method="GET", path="/", *lines, body="", version="1.1"):
    """By way of a proxy, for the origin."""
    return "\r\n".join([f"{method} http://{{at}}{path} HTTP/{version}",
                        "Host: {at}", *lines, "", ""]) + body


def get(*lines, **more):
    return request("GET", "/", *lines, **more)


def post(*lines, body=""):
    return request("POST", "/", *lines, body=body)


def answer(*lines, body="", status="200 OK", version="1.1"):
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]) + body
