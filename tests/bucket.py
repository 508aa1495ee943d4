"""A bucket on this machine that gcsfs and TensorFlow reach, and that fails when it is told to.

`gcp-storage-emulator` answers; here it gets threads, faults, and the CONNECT of a proxy, behind
which it speaks TLS as Google's hosts: TensorFlow's file system knows no other address than theirs.
"""

import datetime
import ipaddress
import logging
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import gcsfs
import pytest
from gcp_storage_emulator import server
from gcp_storage_emulator.storage import Storage

CUT, CORRUPT, SLOW = "cut", "corrupt", "slow"
GOOGLE_HOSTS = ("storage.googleapis.com", "www.googleapis.com")


@dataclass
class Fault:
    """What happens to some requests.

    Attributes:
        pattern: Searched in the path of a request.
        kind: A status such as 503, or for the answer: CUT in the middle, CORRUPT, or SLOW.
        times: How many requests it happens to.
        pause_s: Seconds between the eight parts of an answer that is SLOW.
        seen: How many it has happened to.
    """

    pattern: str
    kind: int | str
    times: int = 1
    pause_s: float = 0.1
    seen: int = 0


class Bucket:
    """A bucket `gs://scans`, as long as the server runs.

    Attributes:
        url: Of the server.
        faults: What happens to requests.
        paths: Of all requests.
    """

    name = "scans"

    def __init__(self, folder: Path) -> None:
        """Starts the server; certificates go into a folder."""
        self.faults: list[Fault] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()
        storage = Storage(use_memory_fs=True)
        storage.create_bucket(self.name, {"name": self.name})
        self.authority = str(folder / "authority.pem")
        make_certificate(folder / "authority.pem", folder / "key.pem")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "authority.pem", folder / "key.pem")
        handler = partial(_Handler, self, storage)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fault_of(self, path: str) -> Fault | None:
        """The fault that a request meets."""
        with self.lock:
            self.paths.append(path)
            for fault in self.faults:
                if fault.seen < fault.times and re.search(fault.pattern, path):
                    fault.seen += 1
                    return fault
        return None

    def upload(self, folder: Path, place: str) -> str:
        """Copies a folder into the bucket; returns its path there."""
        system = fsspec.filesystem("gs")
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                system.pipe(f"{self.name}/{place}/{path.relative_to(folder)}", path.read_bytes())
        return f"gs://{self.name}/{place}"


class _Handler(server.RequestHandler):
    """Answers requests; after CONNECT those that come through TLS."""

    def __init__(self, bucket: Bucket, storage: Storage, *rest: Any) -> None:
        self.bucket = bucket
        super().__init__(storage, *rest)

    def do_CONNECT(self) -> None:  # noqa: N802
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.connection = self.bucket.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = _Through(self.connection)
        self.close_connection = False

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def parse_request(self) -> bool:
        """As it is, but for a fault that this request meets."""
        if not super().parse_request():
            return False
        if self.command == "CONNECT":
            return True
        # TensorFlow sends both, and the emulator believes the wrong one.
        if self.headers.get("Transfer-Encoding"):
            del self.headers["Content-Length"]
        # Of a proxy the whole address is asked.
        self.path = re.sub("^https?://[^/]+", "", self.path)
        fault = self.bucket.fault_of(self.path)
        if fault is None:
            return True
        if isinstance(fault.kind, int):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_error(fault.kind)
            return False
        self.wfile = _Faulty(self.wfile, fault)
        self.close_connection = True
        return True


class _Through:
    """Writes to a connection."""

    closed = False

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def write(self, data: bytes) -> int:
        self.connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.connection.close()


class _Faulty(_Through):
    """Writes headers, and then not what it should."""

    def __init__(self, file: Any, fault: Fault) -> None:
        self.file, self.fault, self.writes = file, fault, 0

    def write(self, data: bytes) -> int:
        self.writes += 1
        if self.writes == 1:
            self.file.write(data)
        elif self.fault.kind == CUT:
            self.file.write(data[: len(data) // 2])
            self.file.flush()
            raise ConnectionAbortedError("told to")
        elif self.fault.kind == CORRUPT:
            self.file.write(bytes([data[0] ^ 1]) + data[1:])
        else:
            for start in range(0, len(data), max(len(data) // 8, 1)):
                time.sleep(self.fault.pause_s)
                self.file.write(data[start : start + max(len(data) // 8, 1)])
        return len(data)

    def close(self) -> None:
        self.file.close()


@contextmanager
def running_bucket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket that gcsfs, Google's client and TensorFlow find at `gs://scans`.

    Tries again come at once.
    """
    bucket = Bucket(folder)
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    read_data = server._read_data

    def read_media(request: Any, query: Any) -> Any:
        """The emulator has nothing for no bytes, and stumbles over it."""
        empty = b"" if query.get("uploadType") == ["media"] else None
        return read_data(request, query) or empty

    monkeypatch.setattr(server, "_read_data", read_media)
    quick = type("asyncio", (), {"sleep": staticmethod(_at_once)})
    monkeypatch.setattr("gcsfs.retry.asyncio", quick)
    monkeypatch.setattr("lungct.remote_files.WAITS_S", (0.0, 0.0))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket.url)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "none")
    monkeypatch.setenv("https_proxy", bucket.url)
    monkeypatch.setenv("http_proxy", bucket.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("CURL_CA_BUNDLE", bucket.authority)
    gcsfs.GCSFileSystem.clear_instance_cache()
    try:
        yield bucket
    finally:
        gcsfs.GCSFileSystem.clear_instance_cache()
        bucket.server.shutdown()
        bucket.server.server_close()


async def _at_once(seconds: float) -> None:
    """Does not sleep."""


def make_certificate(certificate: Path, key: Path) -> None:
    """Writes a certificate of Google's hosts that has signed itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    hosts = [x509.DNSName(host) for host in GOOGLE_HOSTS]
    hosts.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))  # type: ignore[arg-type]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(*pem, plain))
