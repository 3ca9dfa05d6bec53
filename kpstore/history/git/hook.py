r"""The `update` hook of the repository: what a push may do, and who did it.

git starts it once for each ref that a push would move, and moves none that it
refuses (githooks(5)). It needs POSIX sh and the tools of a bare system, no kp.
"""

import hashlib
import stat
from pathlib import Path
from typing import Final, Literal

from kpstore.disk.durable import Batch, write_file
from kpstore.errors import Refused, disk_failures

State = Literal["current", "old", "gone", "changed"]

HOOK: Final = "hooks/update"
UPDATE: Final = r"""#!/bin/sh
# Kept by kp, which renews it: hooks of your own go into pre-receive or post-receive.
# Who pushes may leave or drop a draft of their own, which `kp commit` merges, checks
# and publishes; everything else is written by kp. Who pushes is the account that runs
# this, or KP_PUSHER, set by a forced command in authorized_keys: docs/operations.md.
LC_ALL=C
export LC_ALL

refuse() {
    echo "kp: $1" >&2
    exit 1
}

# A user's name as kp writes it into a ref: percent-encoded outside [a-z0-9-]. A control
# character becomes a blank, which no ref has.
encoded() {
    for byte in $(printf %s "$1" | od -An -v -to1); do
        case $byte in
        055 | 06? | 07[01] | 14[1-7] | 15? | 16? | 17[0-2]) printf "\\$byte" ;;
        0[0-3]? | 177) printf ' ' ;;
        *) printf %%%02X "0$byte" ;;
        esac
    done
}

account=$(id -un 2>/dev/null) || account=$(id -u)
who=${KP_PUSHER-$account}
pusher=$(encoded "$who")
own=refs/kp/drafts/$pusher
[ -n "$who" ] && [ "$1" = "$own" ] ||
    refuse "$1 is not for pushing: as $who, push to $own, then kp commit"
[ "${#pusher}" -le 200 ] || refuse "the name of $1 is too long for kp"

# kp reads only what it finds recorded, so this comes before the ref is moved.
case $3 in
*[!0]*)
    records=${GIT_DIR:-.}/kp/drafts
    [ -d "$records" ] || refuse "$records is gone: kp doctor makes it anew"
    [ -z "$(git config core.sharedRepository)" ] || umask 002  # a site of a group
    client=${SSH_CONNECTION:-here}
    echo "pushed $(date -u +%Y-%m-%dT%H:%M:%SZ) account=$(encoded "$account")" \
        "from=${client%% *}" >"$records/$pusher@$3" ||
        refuse "can't record in $records who pushes"
    sync "$records/$pusher@$3" "$records" 2>/dev/null || sync
    ;;
esac
"""

_EARLIER: Final = {  # SHA-256s of what kp installed before
    "a58cd2b3b357c00f810e5482c69f412ace70c5420104856c6c02a60821f8e380",
    "eda0aa090b2e98fd4316a71cfc6f43ec3ec684feae735706e5281f0b42b1fea5",
}


def state_of(repository: Path) -> State:
    """Tell whether the hook is what it has to be; OSErrors pass."""
    file = repository / HOOK
    try:
        mode = file.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "gone"
    if not stat.S_ISREG(mode):
        return "changed"
    text = file.read_bytes()
    if hashlib.sha256(text).hexdigest() in _EARLIER:
        return "old"
    return "current" if text == UPDATE.encode() and mode & stat.S_IXUSR else "changed"


@disk_failures("renewing the hook")
def renew(repository: Path, found: Path) -> State:
    """Bring the hook back, durably; return what it was.

    Whatever else was there is kept in the folder `found`. Refused for a directory.
    """
    was = state_of(repository)
    if was == "changed":
        _keep(repository / HOOK, found)
    if was != "current":
        write_file(repository / HOOK, UPDATE.encode(), mode=0o755)
    return was


def _keep(file: Path, found: Path) -> None:
    """Keep what somebody put in the hook's place, if it has content."""
    if file.is_dir() and not file.is_symlink():
        raise Refused(f"{file} is a directory", hint="move it away, then kp doctor")
    with Batch() as batch:
        if file.is_symlink():
            batch.link(found / HOOK, str(file.readlink()))
        elif file.is_file():
            batch.copy(found / HOOK, file, mode=0o644)
        batch.commit()
