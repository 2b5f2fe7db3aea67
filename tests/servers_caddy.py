"""A real Caddy with the configuration that ships, on a free port and with a certificate of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from servers import await_port, end, find_program, free_port

SHIPPED = Path(__file__).parent.parent / "deploy" / "Caddyfile"


def caddy_fault() -> str:
    """What is missing; empty where Caddy can be started."""
    if find_program("caddy") is None:
        return "Caddy is not installed (Debian: apt-get install caddy)"
    return "" if find_program("openssl") else "openssl is not installed (Debian: apt-get install openssl)"


class Caddy:
    """The shipped configuration in front of ``upstream`` (a port); only names, ports and files are changed."""

    def __init__(self, upstream: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="caddy-"))
        self.port = free_port()
        self.certificate = self.folder / "fullchain.pem"
        self._make_certificate()
        self._configure(upstream)

    @property
    def site(self) -> str:
        """What browsers type."""
        return f"https://localhost:{self.port}"

    def _make_certificate(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", str(self.folder / "key.pem"), "-out", str(self.certificate), "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(command, check=True, capture_output=True)

    def _configure(self, upstream: int) -> None:
        text = SHIPPED.read_text("utf-8")
        changes = {
            "\nrsvp.essen.example {": f"\n{self.site} {{",
            "/etc/rsvp-mailer/tls/": f"{self.folder}/",
            "reverse_proxy 127.0.0.1:8025": f"reverse_proxy 127.0.0.1:{upstream}",
            "\tadmin off": "\tadmin off\n\tauto_https disable_redirects",
        }
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "Caddyfile").write_text(text, "utf-8")

    def __enter__(self) -> Caddy:
        program = find_program("caddy")
        assert program
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "run", "--config", str(self.folder / "Caddyfile")],
                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        await_port(self.port, self._process, log.read_text)
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)
