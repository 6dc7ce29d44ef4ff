"""The desktop's keyring, if there is one that can keep anything."""

from __future__ import annotations

from types import ModuleType


def usable_keyring() -> ModuleType | None:
    """The keyring package; None if it is not installed or has no place to keep anything."""
    try:
        import keyring  # noqa: PLC0415 -- an optional extra, and slow to import
    except ImportError:
        return None
    try:
        usable = keyring.get_keyring().priority > 0
    except Exception:  # noqa: BLE001 -- a backend that cannot say how good it is is not
        return None
    return keyring if usable else None


def kept_by_keyring(service: str, name: str, secret: str) -> bool:
    """Keep *secret*; whether that has been done, and it can be read back."""
    keyring = usable_keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(service, name, secret)
        return bool(keyring.get_password(service, name) == secret)
    except Exception:  # noqa: BLE001 -- backends fail with errors of their desktops
        return False
