"""A network that is there as soon as it is asked for."""

STA_IF = 0


class WLAN:
    def __init__(self, _interface: int) -> None:
        self._is_connected = False

    def active(self, _is_active: bool) -> None:
        pass

    def isconnected(self) -> bool:
        return self._is_connected

    def connect(self, _name: str, _password: str) -> None:
        self._is_connected = True
