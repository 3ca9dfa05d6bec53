"""The update hook, as sh runs it, and as real git does."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from kpstore.errors import Refused
from kpstore.history import owners
from kpstore.history.git import hook
from kpstore.history.git.create import RECORDS
from kpstore.history.git.repository import Repository
from support.histories import SITE, git, grow, image, make
from support.sources import ROOT

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
OPERATIONS = ROOT / "docs/operations.md"
ZERO, SOME = "0" * 40, "a" * 40
SHELLS = [
    words
    for words in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(words[0])
]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make(tmp_path / "state.git")
    grow(made, SITE | image())
    return made


def records(repository: Repository) -> list[str]:
    return sorted(file.name for file in (repository.path / RECORDS).iterdir())


def asked(
    repository: Repository,
    ref: str,
    new: str = SOME,
    shell: tuple[str, ...] = ("sh",),
    **environment: str | bytes,
) -> subprocess.CompletedProcess[str]:
    """Run the hook as git does: in the repository, for one ref."""
    return subprocess.run(
        [*shell, "hooks/update", ref, ZERO, new],
        cwd=repository.path,
        env={"PATH": "/usr/bin:/bin", "GIT_DIR": ".", **environment},  # type: ignore[dict-item]
        capture_output=True,
        text=True,
        check=False,
    )


# --- whose ref it is


USERS = [
    "ann",
    "A.b_c/d~é",
    "..",
    "a b",
    "*",
    "$(id)",
    "`id`",
    "-n",
    "%41",
    "\\055",
    "'",
]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_shell_writes_names_as_kp_does(
    repository: Repository, shell: list[str]
) -> None:
    for user in USERS:
        ref = owners.ref_of(user)
        done = asked(repository, ref, shell=tuple(shell), KP_PUSHER=user)
        assert (done.returncode, done.stderr) == (0, ""), user
        assert f"{ref.removeprefix('refs/kp/drafts/')}@{SOME}" in records(repository)
        other = asked(repository, "refs/kp/drafts/bob", KP_PUSHER=user)
        assert "refs/kp/drafts/bob is not for pushing" in other.stderr


OTHERS = [
    "refs/heads/main",
    "refs/kp/drafts/",
    "refs/kp/drafts/ann/x",
    "refs/kp/drafts/ann ",
    "refs/kp/drafts/Ann",
    "refs/kp/drafts/%61nn",
    "refs/kp/drafts/bob",
    "refs/kp/drafts/..",
    "refs/kp/drafts/*",
    "refs/kp/drafts/ann\n",
    "ann",
    "",
]


@pytest.mark.parametrize("ref", OTHERS)
def test_any_other_ref_is_refused(repository: Repository, ref: str) -> None:
    done = asked(repository, ref, KP_PUSHER="ann")
    assert done.returncode == 1
    assert "is not for pushing: as ann, push to refs/kp/drafts/ann" in done.stderr
    assert records(repository) == []


@pytest.mark.parametrize("pusher", ["", "a\nb", "\x1b[2J", "x" * 201])
def test_a_pusher_without_a_name_pushes_nothing(
    repository: Repository, pusher: str
) -> None:
    plain = pusher.replace("\n", "%0A").replace("\x1b[", "%1B%5B")
    for ref in ("refs/kp/drafts/", f"refs/kp/drafts/{plain}"):
        assert asked(repository, ref, KP_PUSHER=pusher).returncode == 1
    assert records(repository) == []


def test_without_a_word_the_account_pushes(repository: Repository) -> None:
    assert asked(repository, owners.ref_of(ACCOUNT)).returncode == 0
    assert asked(repository, "refs/kp/drafts/ann").returncode == 1
    # what a client can type is not asked
    typed = {"USER": "ann", "LOGNAME": "ann", "KP_USER": "ann", "SUDO_USER": "ann"}
    typed |= {"GIT_AUTHOR_NAME": "ann", "GIT_COMMITTER_NAME": "ann"}
    assert asked(repository, "refs/kp/drafts/ann", **typed).returncode == 1


def test_what_is_known_is_recorded(repository: Repository) -> None:
    ref = owners.ref_of("ann")
    came = "192.0.2.7 4711 192.0.2.1 22"
    asked(repository, ref, KP_PUSHER="ann", SSH_CONNECTION=came)
    said = (repository.path / RECORDS / f"ann@{SOME}").read_text()
    when = r"pushed 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"{when} account={ACCOUNT} from=192\.0\.2\.7\n", said)


def test_who_drops_a_draft_leaves_no_record(repository: Repository) -> None:
    done = asked(repository, owners.ref_of("ann"), new=ZERO, KP_PUSHER="ann")
    assert (done.returncode, records(repository)) == (0, [])


def test_without_a_place_for_records_nothing_is_pushed(repository: Repository) -> None:
    shutil.rmtree(repository.path / RECORDS)
    done = asked(repository, owners.ref_of("ann"), KP_PUSHER="ann")
    assert done.returncode == 1
    assert "kp doctor" in done.stderr


# --- real git


@pytest.fixture
def work(repository: Repository) -> Path:
    where = repository.path.parent
    git(where, "clone", "-q", str(repository.path), "work")
    git(where / "work", "commit", "-q", "--allow-empty", "-m", "mine")
    return where / "work"


def test_a_push_is_its_pusher_s(repository: Repository, work: Path) -> None:
    head = git(work, "rev-parse", "HEAD").strip()
    for user, more in (("ann", {"KP_PUSHER": "ann"}), (ACCOUNT, {})):
        ref = owners.ref_of(user)
        git(work, "push", "-q", "origin", f"HEAD:{ref}", **more)
        assert owners.tip_of(repository, user) == head
        git(work, "push", "-q", "origin", f":{ref}", **more)
        assert owners.tip_of(repository, user) is None


def test_nobody_pushes_to_or_drops_another_s(
    repository: Repository, work: Path
) -> None:
    ref = owners.ref_of("ann")
    git(work, "push", "-q", "origin", f"HEAD:{ref}", KP_PUSHER="ann")
    tip = owners.tip_of(repository, "ann")
    git(work, "commit", "-q", "--allow-empty", "-m", "more", "--author", "ann <ann@x>")
    for what in (f"HEAD:{ref}", f"+HEAD:{ref}", f":{ref}"):
        for more in ({}, {"KP_PUSHER": "bob"}):
            said = git(work, "push", "origin", what, check=False, **more)
            assert "is not for pushing" in said
    assert owners.tip_of(repository, "ann") == tip


def test_several_refs_in_one_push_are_judged_one_by_one(
    repository: Repository, work: Path
) -> None:
    refs = [f"HEAD:{owners.ref_of(user)}" for user in ("ann", "bob")]
    said = git(work, "push", "origin", *refs, check=False, KP_PUSHER="ann")
    assert said.count("hook declined to update") == 1
    assert owners.users(repository) == ["ann"]


def test_the_recipe_of_the_docs(repository: Repository, tmp_path: Path) -> None:
    """A line of authorized_keys, carried out as sshd does."""
    line = re.search(r'^command="(.*)",restrict ssh-', OPERATIONS.read_text(), re.M)
    assert line
    forced = line[1].replace('\\"', '"')
    ssh = tmp_path / "ssh"
    keys = f'export SSH_ORIGINAL_COMMAND="$2"\nexec sh -c {shlex.quote(forced)}\n'
    ssh.write_text(f'#!/bin/sh\n[ "$1" = -p ] && shift 2\n{keys}')
    ssh.chmod(0o755)
    remote = f"kp@head1:{repository.path}"
    more = {"GIT_SSH": str(ssh), "GIT_SSH_VARIANT": "simple"}
    git(tmp_path, "clone", "-q", remote, "far", **more)
    git(tmp_path / "far", "commit", "-q", "--allow-empty", "-m", "mine")
    push = ("push", "-q", "origin", "HEAD:refs/kp/drafts/ann")
    git(tmp_path / "far", *push, **more)
    assert owners.tip_of(repository, "ann")
    other = ("push", "-q", "origin", "HEAD:refs/kp/drafts/bob")
    said = git(tmp_path / "far", *other, check=False, KP_PUSHER="bob", **more)
    assert "as ann, push to refs/kp/drafts/ann" in said


# --- kept as it is


OLD = """\
#!/bin/sh
# Installed by `kp init`: a push may only leave a draft, which `kp commit` merges,
# validates and publishes. Everything else is written by kp.
LC_ALL=C
export LC_ALL
user=${1#refs/kp/drafts/}
plain=$(printf %s "$user" | sed 's/%[0-9A-F][0-9A-F]//g')
if [ -n "$user" ] && [ "$user" != "$1" ]; then
    case "$plain" in
    *[!a-z0-9-]*) ;;
    *) exit 0 ;;
    esac
fi
echo "kp: $1 is not for pushing: push to refs/kp/drafts/<user>, then kp commit" >&2
exit 1
"""


def _replaced(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text)
    file.chmod(0o755)


def _linked(file: Path) -> None:
    file.rename(file.with_name("mine"))
    file.symlink_to("mine")


def _piped(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


DAMAGES = {
    "as it is": (lambda file: None, "current"),
    "of before": (lambda file: _replaced(file, OLD), "old"),
    "gone": (lambda file: file.unlink(), "gone"),
    "its folder gone": (lambda file: shutil.rmtree(file.parent), "gone"),
    "another": (lambda file: _replaced(file, "#!/bin/sh\nexit 0\n"), "changed"),
    "empty": (lambda file: _replaced(file, ""), "changed"),
    "not executable": (lambda file: file.chmod(0o644), "changed"),
    "a link": (_linked, "changed"),
    "a FIFO": (_piped, "changed"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_hook_is_brought_back(
    repository: Repository, tmp_path: Path, damage: str
) -> None:
    harm, state = DAMAGES[damage]
    file, found = repository.path / hook.HOOK, tmp_path / "found"
    harm(file)
    lost = file.is_file() and not file.is_symlink() and file.read_bytes()
    assert hook.state_of(repository.path) == state
    assert hook.renew(repository.path, found) == state
    assert hook.state_of(repository.path) == "current"
    assert asked(repository, "refs/heads/main").returncode == 1
    if state == "changed" and lost is not False:
        assert (found / hook.HOOK).read_bytes() == lost
    assert hook.renew(repository.path, found) == "current"


def test_a_directory_in_its_place_is_left_alone(
    repository: Repository, tmp_path: Path
) -> None:
    file = repository.path / hook.HOOK
    file.unlink()
    (file / "mine").mkdir(parents=True)
    with pytest.raises(Refused, match="is a directory"):
        hook.renew(repository.path, tmp_path / "found")
    assert (file / "mine").is_dir()
