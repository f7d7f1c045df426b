"""The example for nginx, run by nginx: what visitors get, and what Airflow is told of them."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from family_exchange.demo.postgres import kept_port

EXAMPLE = Path(__file__).parents[2] / "docker" / "tls" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAME = "exchange.council.example"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")


class Upstream(BaseHTTPRequestHandler):
    """Answers with what it was asked, as Airflow would see it."""

    def do_GET(self):
        body = json.dumps({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass


def certificate(folder):
    """A certificate that this key signed itself; for an hour."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(hours=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    signed = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "fullchain.pem").write_bytes(signed)
    (folder / "privkey.pem").write_bytes(key.private_bytes(*plain))


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """nginx with the example, which is changed in its ports and the folder of its certificate; its two ports."""
    folder = tmp_path_factory.mktemp("nginx")
    certificate(folder)
    with kept_port() as plain, kept_port() as sealed, ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        example = EXAMPLE.read_text()
        for shipped, here in {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{sealed} ssl;",
            "/etc/ssl/exchange": str(folder),
            "http://127.0.0.1:8080": f"http://127.0.0.1:{upstream.server_port}",
        }.items():
            assert shipped in example
            example = example.replace(shipped, here)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log stderr; worker_processes 1; daemon off; master_process off;\n"
            f"events {{}}\nhttp {{ access_log off;\n{temporary}{example}}}\n"
        )
        log = (folder / "log").open("w")
        process = subprocess.Popen([NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"], stderr=log)
        try:
            deadline = time.monotonic() + 120
            while not listens(sealed):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "nginx does not listen"
                time.sleep(0.05)
            yield plain, sealed, folder / "fullchain.pem"
        finally:
            process.terminate()
            process.wait(120)
            log.close()
            upstream.shutdown()


def listens(port):
    with socket.socket() as plug:
        return plug.connect_ex(("127.0.0.1", port)) == 0


def context(proxy):
    return ssl.create_default_context(cafile=proxy[2])


def connected(proxy, with_context=None):
    plug = socket.create_connection(("127.0.0.1", proxy[1]), timeout=120)
    return (with_context or context(proxy)).wrap_socket(plug, server_hostname=NAME)


def ask(proxy, path, method="GET", **headers):
    connection = http.client.HTTPConnection(NAME)
    connection.sock = connected(proxy)
    connection.request(method, path, headers={"Host": NAME} | headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_airflow_is_told_of_https_and_of_the_visitors_own_address_whatever_the_visitor_says(proxy):
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Forwarded-Prefix": "/elsewhere",
    }
    answer, body = ask(proxy, "/auth/login/?next=/", **forged)
    seen = json.loads(body)
    assert answer.status == 200
    assert (seen["path"], seen["host"], seen["x-forwarded-host"]) == ("/auth/login/?next=/", NAME, NAME)
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-port"]) == (
        "127.0.0.1",
        "https",
        "443",
    )
    assert seen.keys().isdisjoint({"x-real-ip", "forwarded", "x-forwarded-prefix"})
    assert "203.0.113.9" not in body.decode()


@pytest.mark.parametrize("path", ["/", "/execution/health"])
def test_browsers_are_told_to_stay_with_https_whatever_the_answer(proxy, path):
    answer, _ = ask(proxy, path)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/execution", "/execution/task-instances", "//execution/x", "/x/../execution/x"])
def test_nobody_outside_reaches_what_workers_talk_to(proxy, path):
    answer, body = ask(proxy, path)
    assert answer.status == 404
    assert b"x-forwarded" not in body


@pytest.mark.parametrize("host", [NAME, "elsewhere.example"])
def test_plain_http_leads_to_our_own_name_by_https(proxy, host):
    connection = http.client.HTTPConnection("127.0.0.1", proxy[0], timeout=120)
    connection.request("GET", "/dags?x=1", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/dags?x=1")
    connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(proxy, version):
    only = context(proxy)
    only.minimum_version = only.maximum_version = version
    with connected(proxy, only) as plug:
        assert plug.version() == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:.*TLSv1.*:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_of_yesterday_is_refused_by_the_server(proxy, version):
    old = context(proxy)
    old.set_ciphers("ALL:@SECLEVEL=0")  # or it would be this side that refuses
    old.minimum_version = old.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
        connected(proxy, old)


@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/cli"])
def test_whoever_asks_for_tokens_too_often_waits_and_the_rest_goes_on(proxy, path):
    assert any(ask(proxy, path, "POST")[0].status == 429 for _ in range(100))  # one more is let in every 30 seconds
    assert ask(proxy, "/auth/login/")[0].status == 200
