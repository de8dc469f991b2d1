"""Certificates, verified, and loaded only as far as one connection needs them.

Without pathlib, which takes a cold start three milliseconds with all that it imports.
"""

from __future__ import annotations

import os
import ssl

from sendoka.errors import SettingsError

__all__ = ["check_ca", "tls_context"]

_TODO = "give a file of PEM certificates, or a folder as `openssl rehash` makes it"


def check_ca(place: str | os.PathLike[str], called: str) -> None:
    """Raise SettingsError where `place`, which the user knows as `called`, is neither a file nor a folder."""
    if not os.path.exists(place):  # noqa: PTH110
        raise SettingsError(f"{called}: there is no such file or folder", todo=_TODO)


def tls_context(ca: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Return a context that verifies host and certificate, TLS 1.2 at least.

    It trusts `ca` alone, else what SSL_CERT_FILE or SSL_CERT_DIR name, else the system's certificates, else, where the
    system has none, those of certifi. Raises SettingsError for what is named and holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        _load(context, ca, f"ca={os.fspath(ca)!r}")
    elif not _load_named(context):
        _load_system(context)
    return context


def _load_named(context: ssl.SSLContext) -> bool:
    """Load what the environment names, as OpenSSL itself would, but not in silence where there is nothing."""
    places = {name: value for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if (value := os.environ.get(name))}
    for name, value in places.items():
        # OpenSSL takes several folders, as PATH has them.
        for place in value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value]:
            check_ca(place, f"{name}={place!r}")
            _load(context, place, f"{name}={place!r}")
    return bool(places)


def _load(context: ssl.SSLContext, place: str | os.PathLike[str], called: str) -> None:
    try:
        if os.path.isdir(place):  # noqa: PTH112
            if not _is_hashed(place):
                raise SettingsError(f"{called}: the folder holds no certificate under its hash", todo=_TODO)
            context.load_verify_locations(capath=place)
        else:
            context.load_verify_locations(cafile=place)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(f"{called} cannot be used: {reason}", todo=_TODO) from error


def _load_system(context: ssl.SSLContext) -> None:
    """Load the system's certificates.

    Where it keeps them one by one under their hashes, OpenSSL reads only those that a chain needs; reading a whole
    bundle first costs some twenty milliseconds at every cold start.
    """
    folder = ssl.get_default_verify_paths().capath
    if folder and _is_hashed(folder):
        context.load_verify_locations(capath=folder)
        return
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi  # httpx brings it

        context.load_verify_locations(cafile=certifi.where())


def _is_hashed(folder: str | os.PathLike[str]) -> bool:
    try:
        return any(name.endswith(".0") for name in os.listdir(folder))  # noqa: PTH208
    except OSError:
        return False
