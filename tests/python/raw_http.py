"""HTTPS without the client, for requests that a well-behaved client does not send. Nothing here verifies a server."""

import http.client
import json
import ssl


def context(newest=ssl.TLSVersion.TLSv1_3):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = newest
    return made


def connection(server, timeout=30):
    host, port = server.address.rsplit(":", 1)
    return http.client.HTTPSConnection(host, int(port), timeout=timeout, context=context())


def request(server, method, target, body=None, headers=None):
    """(status, headers, body) of one request on a connection of its own; JSON is decoded."""
    one = connection(server)
    try:
        one.request(method, target, body=body, headers=headers or {})
        answer = one.getresponse()
        content = answer.read()
        if answer.headers.get_content_type() == "application/json":
            content = json.loads(content)
        return answer.status, answer.headers, content
    finally:
        one.close()


def open_socket(server):
    """A TLS socket on which a test may send, and stop sending, what it likes."""
    one = connection(server)
    one.connect()
    return one.sock


def metrics(server):
    """The server's numbers, by name."""
    host, port = server.admin.rsplit(":", 1)
    one = http.client.HTTPConnection(host, int(port), timeout=30)
    one.request("GET", "/metrics")
    text = one.getresponse().read().decode()
    one.close()
    return {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line and not line.startswith("#")}
