"""Certificates for tests, from an authority of their own: real ones, which clients check."""

from datetime import datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """`file` is what a client is told to trust."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def issue(self, *names: str, until: datetime | None = None) -> dict[str, str]:
        """A certificate for these names in files of its own, as settings; one that was issued
        before is overwritten."""
        began = None if until is None else until - timedelta(days=1)
        issued = self._authority.issue_cert(*names, not_before=began, not_after=until)
        certificate, key = self._folder / "certificate.pem", self._folder / "key.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return {"KATYDID_TLS_CERTIFICATE": str(certificate), "KATYDID_TLS_KEY": str(key)}
