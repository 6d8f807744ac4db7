"""Has invitations and sign-in links sent by Muster to a real SMTP server: PyPI aiosmtpd, on this machine.

Usage: mail.py PROGRAM FOLDER

PROGRAM is the muster to run, FOLDER one that is thrown away. A server is driven in each way mail may go: in clear to this
machine, by STARTTLS, over TLS from the start, each with a user name and a password; and in each way it must not go: to a
server that offers no TLS where it is required, and to one whose certificate nobody vouches for. Ends with 1 if anything is
not as it should be.
"""

import email
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

program, folder = os.path.abspath(sys.argv[1]), Path(sys.argv[2]).resolve()
USER, PASSWORD = b"muster", b"p:a/s@s w%rd"
FORM = "application/x-www-form-urlencoded"


def authority(name):
    """An authority, and a context that serves a certificate of it for this machine."""
    def certificate(subject, out, *more):
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={subject}"]
        subprocess.run([*request, "-keyout", f"{out}.key", "-out", f"{out}.pem", *more], check=True, capture_output=True)

    root, leaf = folder / name, folder / f"{name}-localhost"
    certificate(f"{name} authority", root)
    certificate(
        "localhost", leaf, "-CA", f"{root}.pem", "-CAkey", f"{root}.key", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "subjectAltName=DNS:localhost",
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{leaf}.pem", f"{leaf}.key")
    return f"{root}.pem", context


class Inbox:
    """Keeps what arrives."""

    def __init__(self):
        self.letters, self.arrived = [], threading.Condition()

    async def handle_DATA(self, server, session, envelope):
        with self.arrived:
            self.letters.append((envelope, session, server.transport.get_extra_info("ssl_object") is not None))
            self.arrived.notify_all()
        return "250 OK"

    def next(self, seconds=120):
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.letters, seconds), "no mail arrived"
            return self.letters.pop(0)


class Server(Controller):
    """A mail server that wants a user name and a password."""

    def __init__(self, inbox, context=None, implicit=False, starttls=False):
        self.starttls = context if starttls else None
        super().__init__(inbox, hostname="127.0.0.1", port=0, ssl_context=context if implicit else None)

    def factory(self):
        def admit(server, session, envelope, mechanism, data):
            fits = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
            return AuthResult(success=fits, handled=False)

        return SMTP(
            self.handler, authenticator=admit, auth_required=True, hostname="mail.example.com", tls_context=self.starttls,
            require_starttls=self.starttls is not None, auth_require_tls=False,
        )

    def _trigger_server(self):
        # Which port it is was the system's choice.
        self.port = self.server.sockets[0].getsockname()[1]
        with socket.create_connection((self.hostname, self.port), 60) as plain:
            if self.ssl_context is None:
                plain.recv(1024)
                return
            client = ssl.create_default_context()
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            with client.wrap_socket(plain) as wrapped:
                wrapped.recv(1024)


class Muster:
    """A server of its own that sends mail to a URL."""

    def __init__(self, name, mail_url, trusted):
        self.home = folder / name
        self.home.mkdir()
        (self.home / "muster.toml").write_text(f'mail_url = "{mail_url}"\nmail_from = "Muster of Acme <muster@example.com>"\n')
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")},
            "MUSTER_DATABASE_URL": f"sqlite:{self.home}/muster.db", "MUSTER_LOG": "error",
            "SSL_CERT_FILE": str(trusted),
        }
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0"], env=self.environment, cwd=self.home, stdout=subprocess.PIPE, text=True
        )
        found = None
        while found is None:
            line = self.process.stdout.readline()
            assert line, "the server ended"
            found = re.search(r"http://(127\.0\.0\.1:\d+)(/link/\S+)", line)
        self.origin, self.cookies = found[1], {}
        self.post(found[2], {}, found[2])
        # A connection that is active would bring the people.
        self.connections = self.get("/o/default/connections")
        pause = re.search(r'href="(/o/default/connections/[0-9a-f-]{36})"', self.connections)[1]
        self.post(f"{pause}/pause", {}, pause)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.origin)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": FORM, "Origin": f"http://{self.origin}", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    def get(self, path):
        status, text = self.ask("GET", path)
        assert status == 200, (path, status, text)
        return text

    def post(self, path, fields, page):
        token = re.search(r'name="token" value="([^"]+)"', self.get(page))[1]
        status, text = self.ask("POST", path, urllib.parse.urlencode({"token": token, **fields}))
        assert status in (200, 303), (path, status, text)
        return text

    def invite(self, address):
        self.post("/o/default/invitations", {"address": address}, "/o/default/invitations/new")

    def delivery(self, address):
        """What the list of invitations says of the mail, once it no longer waits."""
        for _ in range(1_200):
            row = self.get("/o/default/invitations").split(address, 1)[1].split("</tr>", 1)[0]
            said = re.search(r'data-label="Delivery">([^<]*)<', row)[1]
            if said != "Mail waits to be sent":
                return said
            threading.Event().wait(0.1)
        raise AssertionError("the mail waits for ever")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def sent(name, server, url, trusted, is_encrypted):
    """An invitation arrives, once, for one recipient, with the link that joins."""
    server.start()
    muster = Muster(name, url.format(port=server.port), trusted)
    try:
        muster.invite("ana@example.org")
        envelope, session, encrypted = server.handler.next()
        assert envelope.rcpt_tos == ["ana@example.org"], envelope.rcpt_tos
        assert envelope.mail_from == "muster@example.com", envelope.mail_from
        assert encrypted == is_encrypted, f"{name}: encrypted is {encrypted}"
        assert session.authenticated, f"{name}: nobody signed in"
        letter = email.message_from_bytes(envelope.content)
        assert letter["To"] == "ana@example.org" and "Muster of Acme" in letter["From"], letter.as_string()
        text = letter.get_payload(decode=True).decode()
        links = re.findall(r"http://\S+", text)
        assert len(links) == 1 and links[0].startswith(f"http://{muster.origin}/join/default/"), text
        assert "Join" in muster.get(links[0].removeprefix(f"http://{muster.origin}")), text
        assert muster.delivery("ana@example.org") == "Mail sent"
        assert not server.handler.letters, "more than one mail was sent"
    finally:
        muster.end()
        server.stop()
    print(f"  {name}: an invitation arrived")


def kept_back(name, server, url, trusted):
    """Nothing arrives, and the list of invitations says that it did not."""
    server.start()
    muster = Muster(name, url.format(port=server.port), trusted)
    try:
        muster.invite("ana@example.org")
        said = muster.delivery("ana@example.org")
        assert said.startswith("Mail not sent"), said
        assert not server.handler.letters, "mail was sent all the same"
    finally:
        muster.end()
        server.stop()
    print(f"  {name}: nothing was sent; {said}")


def main():
    trusted, context = authority("trusted")
    _, foreign = authority("foreign")
    login = f"{USER.decode()}:{urllib.parse.quote(PASSWORD.decode(), safe='')}"
    sent("in clear to this machine", Server(Inbox()), f"smtp://{login}@127.0.0.1:{{port}}", trusted, False)
    starttls = f"smtp://{login}@localhost:{{port}}?tls=required"
    sent("STARTTLS", Server(Inbox(), context, starttls=True), starttls, trusted, True)
    tls = f"smtps://{login}@localhost:{{port}}"
    sent("TLS from the start", Server(Inbox(), context, implicit=True), tls, trusted, True)
    kept_back("no STARTTLS where it is required", Server(Inbox()), starttls, trusted)
    kept_back("STARTTLS with a certificate nobody vouches for", Server(Inbox(), foreign, starttls=True), starttls, trusted)
    kept_back("TLS with a certificate nobody vouches for", Server(Inbox(), foreign, implicit=True), tls, trusted)
    wrong = f"smtps://{USER.decode()}:wrong@localhost:{{port}}"
    kept_back("a wrong password", Server(Inbox(), context, implicit=True), wrong, trusted)


main()
