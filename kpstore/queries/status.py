"""The whole site in one look, for `kp status`: no model, lock or renderer is needed.

Documents are read as they are written; the index counts nodes, else they are counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from kpstore.errors import KpError
from kpstore.history import owners
from kpstore.history.draft_chain import chain
from kpstore.history.paths import Place, path_of
from kpstore.history.revisions import Revision, touched
from kpstore.history.walk import revision
from kpstore.model.params.layers import Layer
from kpstore.model.params.rules import rules_of
from kpstore.model.payload import Content, Payload, identify
from kpstore.queries.next_boots import OverrideLine, booting, override_lines
from kpstore.site.drift import Really, Sighted, drift, sighted
from kpstore.site.reader import SiteReader, utc
from kpstore.targets.condition import judge, left_behind
from kpstore.targets.observed import Observed
from kpstore.targets.observers import inputs_of
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import Condition, Finding

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class ImageLine:
    """An image: its default with kernel, payload and verdict; None without one.

    `nodes` counts those that boot it; `verdict` is `good`, `bad` or `unknown`.
    """

    image: str
    arch: str
    nodes: int
    default: str | None = None
    method: str | None = None
    kernel: str | None = None
    release: str | None = None
    payload: str | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class TargetLine:
    """A target: `condition` as docs/architecture.md has it, or `disabled`.

    `live` is the commit that it says it serves, `revision` its number, `by` who made
    it and `since` when (where that is known here), `drift` what a quick look shows,
    `problem` why it can't be read, `left`: it lags by choice.
    """

    target: str
    kind: str
    path: str | None
    condition: str
    live: str | None = None
    revision: str | None = None
    by: str | None = None
    since: str | None = None
    drift: Sequence[Finding] = ()
    problem: str = ""
    left: bool = False


@dataclass(frozen=True)
class DraftLine:
    """A draft as its ref says: whose, and how many documents it touches.

    `problem` says why it is not read, and what to do; it counts for none, then.
    """

    user: str
    edits: int
    problem: str = ""


@dataclass(frozen=True)
class Overview:
    """One site at one commit. `without_image` counts nodes that have none.

    `locks`: why nodes are locked, with their set.
    """

    name: str
    id: str
    tip: Revision
    images: list[ImageLine]
    targets: list[TargetLine]
    overrides: list[OverrideLine] = field(default_factory=list)
    drafts: list[DraftLine] = field(default_factory=list)
    without_image: int = 0
    locks: dict[str, str] = field(default_factory=dict)


def look(reader: SiteReader, really: Really) -> Overview:
    """Look at a site; nothing is changed, and no lock is taken.

    `really` compares a target with what it serves, where a quick look can't tell.
    """
    tip = reader.tip()
    looking = _Looking(reader, tip, really)
    nodes, boots = booting(reader, tip)
    return Overview(
        name=looking.site["name"],
        id=looking.site["id"],
        locks=looking.site.get("locks", {}),
        tip=revision(reader.repository.commit(tip)),
        images=[looking.image(name, nodes) for name in reader.names(tip, "images")],
        targets=list(looking.targets()),
        overrides=override_lines(reader, tip, boots),
        drafts=list(looking.drafts()),
        without_image=nodes[""],
    )


class _Looking:
    """One look at one commit."""

    def __init__(self, reader: SiteReader, commit: str, really: Really) -> None:
        self.reader = reader
        self.really = really
        self.commit = commit
        self.site = self.fields("site.json")

    def fields(self, path: str) -> Fields:
        return self.reader.fields(self.commit, path)

    def image(self, name: str, nodes: Counter[str]) -> ImageLine:
        image = self.fields(f"images/{name}/image.json")
        if image["default"] is None:
            return ImageLine(name, image["arch"], nodes[name])
        entry = self.fields(f"images/{name}/entries/{image['default']}.json")
        kernel = self._kernel(name, entry["kernel"])
        payload = self._payload(name, image, entry)
        return ImageLine(
            image=name,
            arch=image["arch"],
            default=image["default"],
            method=entry["method"],
            kernel=entry["kernel"],
            release=kernel["release"],
            payload=payload.id,
            verdict=self._verdict(payload),
            nodes=nodes[name],
        )

    def _kernel(self, image: str, name: str) -> Fields:
        return self.fields(f"images/{image}/kernels/{name}/kernel.json")

    def _payload(self, name: str, image: Fields, entry: Fields) -> Payload:
        """Identify what an entry boots, as `model.boot.boot_of` does."""
        kernel, xen = self._kernel(name, entry["kernel"]), entry["xen"]
        artifacts = kernel["artifacts"]
        ssi = [image["ssi"]] if entry["ssi"] and image["ssi"] else []
        layers = [_layer(each) for each in (image, *ssi, entry)]
        hypervisor = xen and self._kernel(name, xen["kernel"])["artifacts"]["vmlinuz"]
        return identify(
            Content(
                arch=kernel["arch"],
                kernel=artifacts["vmlinuz"]["sha256"],
                initrd=tuple(ref["sha256"] for ref in artifacts["initrd"]),
                modules=artifacts["modules"] and artifacts["modules"]["sha256"],
                xen=(hypervisor["sha256"], tuple(xen["params"])) if xen else None,
                params=rules_of(self.site).merge(layers).tokens,
            )
        )

    def _verdict(self, payload: Payload) -> str:
        """Judge as `health.verdicts` does: its own word, else a bad one of its kin."""
        own = self._verdicts.get(payload.id)
        if own:
            return str(own["verdict"])
        bad = (v for v in self._verdicts.values() if v["verdict"] == "bad")
        return "bad" if any(v["kin"] == payload.kin for v in bad) else "unknown"

    @cached_property
    def _verdicts(self) -> dict[str, Fields]:
        return {
            name.removesuffix(".json"): self.fields(f"verdicts/{folder}/{name}")
            for folder in self.reader.names(self.commit, "verdicts")
            for name in self.reader.names(self.commit, f"verdicts/{folder}")
        }

    def targets(self) -> Iterator[TargetLine]:
        for file in self.reader.names(self.commit, "targets"):
            fields = self.fields(f"targets/{file}")
            yield self._target(TargetSpec.of(file.removesuffix(".json"), fields))

    def _target(self, spec: TargetSpec) -> TargetLine:
        reader = self.reader
        path = reader.settings.path_of(spec)
        line = partial(TargetLine, spec.name, spec.kind, str(path) if path else None)
        target = sighted(reader.settings, spec)
        served = target.served if target else None
        if not spec.enabled:
            return line("disabled", **_serving(reader, served))
        subtree = partial(reader.repository.subtree_id, self.commit)
        inputs = partial(inputs_of, spec, subtree)
        try:
            condition = judge(spec, self.site["id"], served, inputs, reader.on_main)
            if served is None or target is None:
                return line(condition)
            left = condition == "lagging" and spec.name in self._left
            found = self._found(target, condition)
            stays = next((e.detail for e in found if e.kind == "stays"), "")
            return line(
                condition,
                **_serving(reader, served),
                drift=[each for each in found if each.is_drift],
                problem=left_behind(spec.name) if left else stays,
                left=left,
            )
        except (KpError, OSError) as error:
            return line("absent", problem=str(error))

    @cached_property
    def _left(self) -> frozenset[str]:
        return self.reader.left_out(self.commit)

    def _found(self, target: Sighted, condition: Condition) -> list[Finding]:
        if condition in ("absent", "ahead"):
            return target.served.damage()
        seen = drift(target, self.reader, files=True)
        if seen is None or not seen.sure:
            return self.really(target.spec.name)
        return seen.findings

    def drafts(self) -> Iterator[DraftLine]:
        try:
            yield from filter(None, map(self._draft, self.reader.drafts()))
        except KpError as error:
            yield DraftLine("", 0, error.message)

    def _draft(self, user: str) -> DraftLine | None:
        try:
            tip = owners.tip_of(self.reader.repository, user)
            edits = list(self._edits(tip)) if tip else []
        except KpError as error:
            return DraftLine(user, 0, f"{error.message}; {owners.way_out(user)}")
        return DraftLine(user, len(edits)) if tip else None

    def _edits(self, tip: str) -> Iterator[Place]:
        """Yield what a draft changes; an image's parts are no change of image.json."""
        repository = self.reader.repository
        base = chain(repository, tip, self.reader.on_main).against
        trees = (repository.commit(each).tree for each in (base, tip))
        for place in touched(repository, *trees):
            path = path_of(place)
            ids = {repository.subtree_id(each, path) for each in (base, tip)}
            if place[0] != "image" or len(ids) > 1:
                yield place


def served_of(reader: SiteReader, name: str, fields: Fields) -> dict[str, Any]:
    """Return what a target serves, as a `TargetLine` has it: None where it says none.

    `fields` are its document's.
    """
    target = sighted(reader.settings, TargetSpec.of(name, fields))
    none = dict.fromkeys(("live", "revision", "by", "since"))
    return {**none, **_serving(reader, target.served if target else None)}


def _serving(reader: SiteReader, served: Observed | None) -> dict[str, Any]:
    """Return it with whose it is and since when, where history knows the commit."""
    try:
        marker = served.marker() if served and served.identity() else None
    except (KpError, OSError):
        marker = None
    if marker is None:
        return {}
    known = reader.line_of(marker.commit)
    found = {"live": marker.commit, "revision": f"r{marker.revision}"}
    if known:
        found |= {"by": known.author, "since": utc(known.time)}
    return found


def _layer(fields: Fields) -> Layer:
    return Layer("", tuple(fields["params"]), tuple(fields.get("without", ())))
