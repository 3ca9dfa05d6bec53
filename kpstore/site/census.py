"""The census of a commit: by the index where it stands, else by reading every node."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TypeVar

from kpstore.history.index.census import IndexCensus
from kpstore.history.index.connection import IndexFailed
from kpstore.history.snapshot import Snapshot
from kpstore.model.census import Census, FullCensus, Held
from kpstore.model.state import State
from kpstore.model.templates import Template
from kpstore.site.reader import SiteReader

_T = TypeVar("_T")


class SiteCensus:
    """Implements `model.census.Census`; an index that fails midway fails nobody."""

    def __init__(self, site: SiteReader, snapshot: Snapshot) -> None:
        self._site = site
        self._snapshot = snapshot

    @cached_property
    def _census(self) -> Census:
        commit = self._snapshot.commit
        index = self._site.from_index(commit, IndexCensus) if commit else None
        return index or FullCensus(State(self._snapshot))

    def templates(self) -> Mapping[Template, int]:
        """Return the templates in use and how many nodes boot by each."""
        return self._templates

    @cached_property
    def _templates(self) -> Mapping[Template, int]:
        return self._ask(lambda census: census.templates())

    def template_of(self, node: str) -> Template | None:
        """Return a node's template; None for an unknown node."""
        return self._ask(lambda census: census.template_of(node))

    def holders(self, values: Collection[Held]) -> dict[Held, str]:
        """Return the nodes that hold any of these values."""
        return self._ask(lambda census: census.holders(values))

    def nodes_of(self, template: Template) -> list[str]:
        """Return the names of the nodes that boot by a template, sorted."""
        return self._ask(lambda census: census.nodes_of(template))

    def macs(self) -> Mapping[Template, list[str]]:
        """Return the MACs of the nodes that boot by each template."""
        return self._ask(lambda census: census.macs())

    def _ask(self, ask: Callable[[Census], _T]) -> _T:
        try:
            return ask(self._census)
        except IndexFailed as error:
            self._site.drop_index(error)
            self._census = FullCensus(State(self._snapshot))
            return ask(self._census)
