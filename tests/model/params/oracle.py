"""Table 2 told once more, word by word after docs/architecture.md; no code of kp.

Slow and plain: strings in lists, one token after the other.
"""

ADDING = {"rd.lvm.lv", "console", "modprobe.blacklist"}
SETS = [{"hugepagesz", "hugepages", "default_hugepagesz"}, {"ro", "rw"}]


def key(token: str) -> str:
    name = token.partition("=")[0]
    return name if name.startswith(("rd.", "inst.")) else name.replace("-", "_")


def keys_with(token: str) -> set[str]:
    return next((each for each in SETS if key(token) in each), {key(token)})


def clash(token: str, other: str) -> bool:
    """Whether an adding key's token below goes for this one above."""
    if key(token) == "console":
        return token.split(",", maxsplit=1)[0] == other.split(",", maxsplit=1)[0]
    return token == other


def parts(line: list[str]) -> tuple[list[str], list[str] | None, list[str] | None]:
    """What is before `---`, between it and `--`, and behind that; None: no mark."""
    kernel, copied, init = [*line], None, None
    if "--" in kernel:
        at = kernel.index("--")
        kernel, init = kernel[:at], kernel[at + 1 :]
    if "---" in kernel:
        at = kernel.index("---")
        kernel, copied = kernel[:at], kernel[at + 1 :]
    return kernel, copied, init


def over(below: list[str], params: list[str], without: list[str]) -> list[str]:
    for gone in without:
        whole = "=" in gone
        front = below[: below.index("--")] if "--" in below else below
        back = below[len(front) :]
        below = [t for t in front if (t if whole else key(t)) != gone] + back
    kernel, copied, init = parts(below)
    new_kernel, new_copied, new_init = parts(params)
    sides = [[*kernel], [*(copied or [])]]
    here = [*new_kernel, *(t for t in new_copied or [] if t != "---")]
    done: list[set[str]] = []
    for token in here:
        names = keys_with(token)
        if names in done:
            continue
        done.append(names)
        mine = [t for t in here if key(t) in names]
        spots = [
            (side, at)
            for side in (0, 1)
            for at, t in enumerate(sides[side])
            if key(t) in names
        ]
        if not spots:
            continue
        new_kernel = [t for t in new_kernel if key(t) not in names]
        new_copied = new_copied and [t for t in new_copied if key(t) not in names]
        adds = key(token) in ADDING
        side, at = spots[-1] if adds else spots[0]
        sides[side][at + adds : at + adds] = [f"new {t}" for t in mine]
        for each in sides:
            each[:] = [
                t
                for t in each
                if key(t) not in names
                or (adds and not any(clash(t, other) for other in mine))
            ]
            each[:] = [t.removeprefix("new ") for t in each]
    line = [*sides[0], *new_kernel]
    if copied is not None or new_copied is not None:
        line += ["---", *sides[1], *(new_copied or [])]
    if init is not None or new_init is not None:
        line += ["--", *(init or []), *(new_init or [])]
    return line
