"""Apache with Debian's mod_auth_openidc as a resource server, one virtual host an issuer. A
question is what npm_validators.mjs takes; an answer is None, or why not."""

import http.client
import os
import shutil
import socket
import subprocess

import harness

NAME = "mod_auth_openidc"
MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc")
ATTEMPTS = 5  # of finding a port: Apache cannot be given a free one

_CONFIG = """ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{root}/pid"
DefaultRuntimeDir "{root}"
ErrorLog "{root}/error.log"
LogLevel warn auth_openidc:info
StartServers 1
DocumentRoot "{root}/www"
OIDCCryptoPassphrase unused
OIDCCABundlePath "{root}/ca.pem"
{modules}
{user}
"""
_HOST = """<VirtualHost 127.0.0.1:{port}>
ServerName {issuer}
OIDCOAuthVerifyJwksUri {jwks_uri}
<Location />
AuthType oauth20
<RequireAll>
Require claim iss:{url}
Require claim aud:{audience}
</RequireAll>
</Location>
</VirtualHost>
"""


class Apache:
    """Serves a page to whoever has a JWT; `issuers` maps an issuer's id to its JWKS."""

    def __init__(self, state, issuers):
        self.root = state.dir / "apache"
        (self.root / "www").mkdir(parents=True)
        self.root.chmod(0o755)
        (self.root / "www/index").write_text("in\n", encoding="ascii")
        shutil.copy(state.tls / "ca.pem", self.root)
        (self.root / "ca.pem").chmod(0o644)
        for attempt in range(ATTEMPTS):
            if self._start(issuers):
                return
            assert attempt + 1 < ATTEMPTS, self._log()

    def _start(self, issuers):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                            for name in MODULES)
        # Apache's children do not run as root.
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        config = _CONFIG.format(root=self.root, port=self.port, modules=modules, user=user)
        config += "".join(
            _HOST.format(port=self.port, issuer=f"{issuer}.test", jwks_uri=uri,
                         url=harness.issuer_url(issuer), audience=harness.AUDIENCE)
            for issuer, uri in issuers.items())
        path = self.root / "apache.conf"
        path.write_text(config, encoding="utf-8")
        with open(self.root / "output", "ab") as output:
            self.process = subprocess.Popen(["/usr/sbin/apache2", "-f", path, "-DFOREGROUND"],
                                            stdout=output, stderr=output)
        harness.wait_until(lambda: self.process.poll() is not None or self._answers(), "Apache")
        return self.process.poll() is None

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def _log(self):
        return "".join((self.root / name).read_text(encoding="utf-8", errors="replace")
                       for name in ("output", "error.log") if (self.root / name).exists())

    def refusal(self, question):
        """Why the question's token is not let in, or None if it is."""
        before = len(self._log())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        host = question["issuer"].removeprefix("https://")
        connection.request("GET", "/index", headers={
            "Host": host, "Authorization": f"Bearer {question['token']}"})
        status = connection.getresponse().status
        connection.close()
        return None if status == 200 else f"{status}: {self._log()[before:]}"

    def stop(self):
        """Ends it, and it its children."""
        self.process.terminate()
        self.process.wait(timeout=harness.PATIENCE_S)
