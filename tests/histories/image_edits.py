"""Edits of images, entries and kernels: drawn, said to kp, done to a state."""

import random
from collections.abc import Callable

from histories.documents import Fields, No, State, base_layers, names
from histories.drawing import (
    ENTRIES,
    IMAGES,
    KERNELS,
    Args,
    Edit,
    change_of,
    changed_params,
    need,
    option,
    quoted,
    refuse_taken,
    some,
    tokens,
    whole_line,
    worded,
)


def _image_add(rng: random.Random, state: State) -> Args | None:
    free = [each for each in IMAGES if ("image", each) not in state]
    if not free:
        return None
    return {"image": rng.choice(free), "params": whole_line(rng, variables=False)}


def _image_added(state: State, args: Args) -> State:
    refuse_taken(state, "image", args["image"])
    made = {"arch": "x86_64", "default": None, "params": args["params"], "ssi": None}
    return state | {("image", args["image"]): made}


def _image_set(rng: random.Random, state: State) -> Args | None:
    image = some(rng, names(state, "image"))
    if image is None:
        return None
    ssi = rng.random() < 0.3
    return {
        "image": image,
        "params": None if ssi else whole_line(rng, variables=rng.random() < 0.3),
        "ssi": tokens(rng, 2, variables=False) if ssi else None,
    }


def _image_set_words(args: Args) -> list[str]:
    words = ["image", "set", args["image"]]
    for name, value in (("params", args["params"]), ("ssi-params", args["ssi"])):
        words += [] if value is None else [f"--{name}", quoted(value)]
    return words


def _image_was_set(state: State, args: Args) -> State:
    image = dict(need(state, "image", args["image"]))
    if args["params"] is not None:
        image["params"] = args["params"]
    if args["ssi"] is not None:
        image["ssi"] = args["ssi"] or None
    return state | {("image", args["image"]): image}


def _image_removed(state: State, args: Args) -> State:
    need(state, "image", args["image"])
    mine = ("image", "entry", "kernel")
    return {k: d for k, d in state.items() if k[0] not in mine or k[1] != args["image"]}


def _entry_add(rng: random.Random, state: State) -> Args | None:
    image = some(rng, [i for i in names(state, "image") if names(state, "kernel", i)])
    if image is None:
        return None
    entries = names(state, "entry", image)
    free = [each for each in ENTRIES if each not in entries]
    entry = some(rng, free, ENTRIES)
    if entry is None:
        return None
    return {
        "image": image,
        "entry": entry,
        "kernel": some(rng, names(state, "kernel", image), KERNELS),
        "like": some(rng, entries) if rng.random() < 0.3 else None,
        "method": _method(rng) if rng.random() < 0.5 else None,
        "params": whole_line(rng) if rng.random() < 0.6 else None,
        "ssi": rng.choice((None, True, False)),
        "default": rng.random() < 0.3,
        "add": [],
        "remove": [],
    }


def _method(rng: random.Random) -> str:
    return rng.choice(("network", "network", "network", "local", "mixed"))


def _entry_words(verb: str) -> Callable[[Args], list[str]]:
    def words(args: Args) -> list[str]:
        found = ["entry", verb, args["image"], args["entry"]]
        for name in ("kernel", "like", "method"):
            found += option(name, args[name])
        if args["params"] is not None:
            found += ["--params", quoted(args["params"])]
        if args["ssi"] is not None:
            found.append("--ssi" if args["ssi"] else "--no-ssi")
        found += ["--default"] if args["default"] else []
        if args.get("xen"):
            found += ["--xen", args["xen"]]
            found += ["--xen-params", "dom0_mem=1G"] if args["xen"] != "none" else []
        return found + changed_params(args)

    return words


def _given(args: Args) -> Fields:
    said = ("kernel", "method", "params", "ssi")
    return {name: args[name] for name in said if args[name] is not None}


def _entry_added(state: State, args: Args) -> State:
    image, entry = args["image"], args["entry"]
    document = need(state, "image", image)
    base: Fields = {"method": "network", "params": [], "xen": None, "ssi": False}
    if args["like"]:
        base = dict(need(state, "entry", image, args["like"]))
    elif document["default"] and (args["method"] is None or args["params"] is None):
        default = need(state, "entry", image, document["default"])
        base |= {name: default[name] for name in ("method", "params")}
        if args["params"] is None and "without" in default:
            base["without"] = default["without"]
    made = base | _given(args)
    need(state, "kernel", image, made["kernel"])
    refuse_taken(state, "entry", image, entry)
    state = state | {("entry", image, entry): worded(made, args)}
    if args["default"] or document["default"] is None:
        state["image", image] = document | {"default": entry}
    return state


def _entry_set(rng: random.Random, state: State) -> Args | None:
    image = some(rng, [i for i in names(state, "image") if names(state, "entry", i)])
    entry = some(rng, names(state, "entry", image), ENTRIES) if image else None
    if image is None or entry is None:
        return None
    kinds = ["kernel", "method", "params", "tokens", "tokens", "ssi", "kernel"]
    if ("kernel", image, "xen") in state:
        kinds += ["xen", "xen"]
    what = rng.choice(kinds)
    args: Args = dict.fromkeys(("kernel", "like", "method", "params", "ssi"))
    args |= {"image": image, "entry": entry, "default": rng.random() < 0.1}
    args |= {"add": [], "remove": []}
    if what == "tokens":
        known = state.get(("entry", image, entry), {"params": []})
        args |= change_of(rng, known)
    elif what == "kernel":
        args["kernel"] = some(rng, names(state, "kernel", image), KERNELS)
    elif what == "params":
        args["params"] = whole_line(rng)
    elif what == "xen":
        args["xen"] = rng.choice(("xen", "none"))
    else:
        args[what] = _method(rng) if what == "method" else rng.random() < 0.5
    said = args["add"] or args["remove"] or args["default"] or _given(args)
    said = said or args.get("xen") or args.get("without") or args.get("with")
    return args if said else None


def _entry_was_set(state: State, args: Args) -> State:
    image, entry = args["image"], args["entry"]
    made = need(state, "entry", image, entry) | _given(args)
    if args.get("xen"):
        made["xen"] = {"kernel": "xen", "params": ["dom0_mem=1G"]}
        made["xen"] = made["xen"] if args["xen"] == "xen" else None
        if made["xen"]:
            need(state, "kernel", image, "xen")
    made = worded(made, args, base_layers(state, image, entry)[:-1])
    need(state, "kernel", image, made["kernel"])
    state = state | {("entry", image, entry): made}
    if args["default"]:
        state["image", image] = need(state, "image", image) | {"default": entry}
    return state


def _an_entry(rng: random.Random, state: State) -> Args | None:
    image = some(rng, [i for i in names(state, "image") if names(state, "entry", i)])
    entry = some(rng, names(state, "entry", image), ENTRIES) if image else None
    return None if entry is None else {"image": image, "entry": entry}


def _entry_removed(state: State, args: Args) -> State:
    image, entry = args["image"], args["entry"]
    need(state, "entry", image, entry)
    if state["image", image]["default"] == entry:
        raise No("it is the default")
    return {key: doc for key, doc in state.items() if key != ("entry", image, entry)}


def _default_set(state: State, args: Args) -> State:
    image, entry = args["image"], args["entry"]
    document = need(state, "image", image)
    need(state, "entry", image, entry)
    return state | {("image", image): document | {"default": entry}}


def _a_kernel(rng: random.Random, state: State) -> Args | None:
    image = some(rng, [i for i in names(state, "image") if names(state, "kernel", i)])
    return image and {
        "image": image,
        "kernel": rng.choice(names(state, "kernel", image)),
    }


def _kernel_removed(state: State, args: Args) -> State:
    image, kernel = args["image"], args["kernel"]
    need(state, "kernel", image, kernel)
    for entry in names(state, "entry", image):
        said = state["entry", image, entry]
        if kernel in (said["kernel"], (said["xen"] or {}).get("kernel")):
            raise No(f"{entry} boots it")
    return {key: doc for key, doc in state.items() if key != ("kernel", image, kernel)}


EDITS: dict[str, Edit] = {
    "image add": Edit(
        _image_add,
        lambda a: [
            "image",
            "add",
            a["image"],
            "--arch",
            "x86_64",
            "--params",
            quoted(a["params"]),
        ],
        _image_added,
    ),
    "image set": Edit(_image_set, _image_set_words, _image_was_set),
    "image rm": Edit(
        lambda rng, state: {"image": some(rng, names(state, "image"), IMAGES)},
        lambda a: ["image", "rm", a["image"]],
        _image_removed,
    ),
    "entry add": Edit(_entry_add, _entry_words("add"), _entry_added),
    "entry set": Edit(_entry_set, _entry_words("set"), _entry_was_set),
    "entry rm": Edit(
        _an_entry, lambda a: ["entry", "rm", a["image"], a["entry"]], _entry_removed
    ),
    "default": Edit(
        _an_entry, lambda a: ["default", a["image"], a["entry"]], _default_set
    ),
    "kernel rm": Edit(
        _a_kernel, lambda a: ["kernel", "rm", a["image"], a["kernel"]], _kernel_removed
    ),
}
