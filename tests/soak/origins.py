"""Where the clients of the soak go."""

import base64
import socket
import struct

import harness


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def serve(sock):
    """Echo, unless asked for a reset."""
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return
        if part == b"reset me":
            reset(sock)
            return
        sock.sendall(part)


def serve_web(body):
    """As many bytes of BODY as the path says."""
    def serve_one(sock):
        head = b""
        while True:
            while b"\r\n\r\n" not in head:
                part = sock.recv(1 << 16)
                if not part:
                    return
                head += part
            first, _, head = head.partition(b"\r\n\r\n")
            size = int(first.split(b" ")[1][1:])
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                         % size + body[:size])
    return serve_one


def serve_proxy(sock):
    """Do what the user's name says."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1)
        if not part:
            return
        head += part
    if b"Basic " + base64.b64encode(b"yes:pw") in head:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nahead")
        harness.echo(sock)
    elif b"Basic " + base64.b64encode(b"no:pw") in head:
        sock.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope")
    elif b"Basic " + base64.b64encode(b"reset:pw") in head:
        reset(sock)
    else:
        sock.sendall(b"HTTP/1.1 OK\r\n\r\n")
