"""The guard: admits a caller, or says in one sentence why not.

>>> open_to_all = Guard()
>>> open_to_all.admit(None, "predict", "churn", "127.0.0.1").name
'anybody'
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import AccessError
from wholefit.serving.access.audit import Audit, secret_of
from wholefit.serving.access.keys import Key, KeyFile
from wholefit.serving.access.limits import Limiter, burst_of
from wholefit.serving.problems import Refused

_ASK = [(b"www-authenticate", b'Bearer realm="wholefit"')]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was admitted: a key's id and name, or "anybody"."""

    id: str
    name: str


_ANYBODY = Caller("", "anybody")


class Guard:
    """Keys, limits and the record of refusals, as the server asks them.

    Without `keys` everybody is admitted. `free` scopes ask for no key. `rate` and `burst` hold for
    each key that states none of its own, and for each address of callers without a key.
    """

    def __init__(
        self, keys: KeyFile | None = None, audit: Audit | None = None, *,
        rate: float | None = None, burst: int | None = None, free: Sequence[str] = (),
    ) -> None:
        self.keys, self.audit = keys, audit
        self._rate, self._burst, self._free = rate, burst, frozenset(free)
        self._limiter = Limiter()

    def admit(self, token: str | None, scope: str, model: str | None, client: str) -> Caller:
        """The caller that a token belongs to; `Refused` (401, 403, 429) where it may not.

        `model` None asks for all models at once; `client` is the caller's address.
        """
        if self.keys is None or (token is None and scope in self._free):
            self._limit(f"@{client}", "anybody", self._rate, self._burst)
            return _ANYBODY
        key = self._known(self.keys, token, scope, client)
        if not key.may(scope, model):
            self._note("refused", status=403, key=key.id, name=key.name, scope=scope, model=model,
                       client=client)
            what = f"{scope}:{model}" if model else scope
            raise Refused(403, f"the key {key.name!r} may not do this: it lacks the scope "
                          f"{what!r}; ask the server's keeper for one that has it.")
        own = key.rate is not None
        self._limit(key.id, key.name, key.rate if own else self._rate,
                    key.burst or (None if own else self._burst))
        return Caller(key.id, key.name)

    def changed(self, event: str, facts: dict[str, Any]) -> None:
        """Put a change of what is served into the record; fits `told` of routes and followers."""
        if self.audit is not None:
            self.audit.note(event, **facts)

    def close(self) -> None:
        """Let go of the record's file."""
        if self.audit is not None:
            self.audit.close()

    def _known(self, keys: KeyFile, token: str | None, scope: str, client: str) -> Key:
        if not token:
            self._note("refused", status=401, why="no key", scope=scope, client=client)
            raise Refused(401, "a key is needed: send it as the header Authorization: Bearer KEY, "
                          "or as X-API-Key.", headers=_ASK)
        try:
            key, state = keys.find(token[:300])
        except AccessError:
            raise Refused(503, "the server cannot read its keys; tell its keeper.",
                          retry_after=10) from None
        if keys.fault is not None:
            self._note("keys_unreadable", why=keys.fault[:300])
        if key is None or state != "good":
            known = {} if key is None else {"key": key.id, "name": key.name}
            self._note("refused", status=401, why=state, scope=scope, client=client, **known)
            raise Refused(401, f"the key is {state}.", headers=_ASK)
        return key

    def _limit(self, who: str, name: str, rate: float | None, burst: int | None) -> None:
        if rate is None:
            return
        wait = self._limiter.take(who, rate, burst or burst_of(rate))
        if wait:
            self._note("limited", status=429, key=who, name=name)
            raise Refused(429, f"more than {rate:g} requests a second: come again in {wait:.2g} "
                          "seconds.", retry_after=wait)

    def _note(self, event: str, **facts: Any) -> None:
        if self.audit is not None:
            self.audit.note(event, **facts)


def guard(
    keys: str | os.PathLike[str] | None = None, audit: str | os.PathLike[str] | None = None, *,
    rate: float | None = None, burst: int | None = None, free: Sequence[str] = (),
    audit_secret: str | None = None,
) -> Guard:
    """A guard of files: `keys` of API keys, `audit` of the record; AccessError if one is damaged.

    A file of keys that is not there admits nobody, so it is refused. `audit_secret` is the source
    of the record's secret, such as env:NAME; without, that of the variable WHOLEFIT_AUDIT_KEY.
    """
    file = None
    if keys is not None:
        file = KeyFile(keys)
        if not file.path.exists():
            raise AccessError(f"there is no file of keys {str(file.path)!r}; make one with "
                              "`wholefit keys add`.")
        file.listed()
    record = None if audit is None else Audit(audit, secret=secret_of(audit_secret))
    return Guard(file, record, rate=rate, burst=burst, free=free)
