"""This program as a device of the account: its credential, kept in the folder from the first login
on, and what to do when broker or site no longer know it.
"""

import asyncio
import socket

from .credential import Credential
from .errors import (
    CodeNeeded,
    FolderOfAnother,
    LoginRefused,
    NotLoggedIn,
    Problem,
    Revoked,
    Unreachable,
)
from .folder import Folder
from .site import Site

_UNAUTHORIZED = 401
_CODE_NEEDED = "urn:katydid:problem:code-needed"


class Device:
    """The credential of a folder; `credential` is there after `log_in`."""

    credential: Credential

    def __init__(
        self,
        site: Site,
        folder: Folder,
        account: str,
        *,
        owner: tuple[str, str] | None,
        code: str | None = None,
        name: str | None,
        anew: bool,
    ) -> None:
        """`owner` is the name and password by which a device may be added: the account's own, with
        the `code` of its second factor if there is one, or those of another device of it."""
        self._site = site
        self._folder = folder
        self._account = account
        self._owner = owner
        self._code = code
        self._anew = anew
        self._name = name or f"Program on {socket.gethostname()}"
        self._asking = asyncio.Lock()

    async def log_in(self) -> bool:
        """Use the folder's credential, or get one from the owner; answers whether it is new,
        and then `keep` is to be called. Raises NotLoggedIn, LoginRefused, CodeNeeded,
        FolderOfAnother, Problem and Unreachable."""
        kept = self._folder.credential()
        if kept is not None:
            owner = f"{kept['account']} at {kept['url']}"
            if owner != f"{self._account} at {self._site.url}":
                raise FolderOfAnother(str(self._folder.path), owner)
            if not self._anew:
                self._use(Credential.from_wire(kept["mqtt"]))
                return False
        if self._owner is None:
            raise NotLoggedIn(self._account)
        try:
            self._use(await self._new_credential())
        except Problem as problem:
            if problem.type == _CODE_NEEDED:
                raise CodeNeeded(self._account) from None
            if problem.status == _UNAUTHORIZED:
                raise LoginRefused(self._account) from None
            raise
        return True

    def keep(self) -> None:
        """From now on the folder is logged in."""
        fields = {name: getattr(self.credential, name) for name in Credential.__dataclass_fields__}
        self._folder.keep_credential(
            {"account": self._account, "url": self._site.url, "mqtt": fields}
        )

    async def refused(self, refused: Credential) -> None:
        """Broker or site did not take this credential: find out why. Returns when there is another
        one, or nothing is wrong, or nobody answers just now. Raises Revoked."""
        async with self._asking:
            if self.credential is not refused:
                return
            try:
                await self._site.devices(refused.auth)
            except Unreachable:
                return
            except Problem as problem:
                if problem.status == _UNAUTHORIZED:
                    await self._log_in_again()

    async def connections(self) -> frozenset[str]:
        """What the connections of this device are called that are online, as the site knows them.
        Raises Unreachable and Problem."""
        listed = await self._site.devices(self.credential.auth)
        return frozenset(name for line in listed if line.current for name in line.connections)

    async def _log_in_again(self) -> None:
        """Only where the device is still there: who removed it did not want it back."""
        if self._owner is None:
            raise Revoked(self._account)
        old, owner = self.credential.device, self._owner
        try:
            if old not in {line.device for line in await self._site.devices(owner)}:
                raise Revoked(self._account)
            self._use(await self._new_credential())
            self.keep()
            await self._site.remove_device(old)
        except Unreachable:
            return
        except Problem as problem:
            if problem.status == _UNAUTHORIZED:
                raise Revoked(self._account) from None

    async def _new_credential(self) -> Credential:
        return await self._site.add_device(self._name, self._owner, code=self._code)

    def _use(self, credential: Credential) -> None:
        self.credential = credential
        self._site.auth = credential.auth
