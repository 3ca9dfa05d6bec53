"""Which verbs there are, and which module of `kpcmd.commands` has each.

A literal list: `kp --help` prints it without importing a single command, and a verb
imports its own module alone, which is most of what starting up costs.
"""

from typing import Final, NamedTuple


class Verb(NamedTuple):
    """A verb, its module and the line about it in `kp --help`."""

    name: str
    module: str
    summary: str


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb("init", "init", "make a new site"),
        Verb("demo", "demo", "tell the whole story on made-up nodes, without root"),
        Verb("status", "status", "images, targets, draft and drift in one listing"),
        Verb("doctor", "doctor", "examine the site and say how to mend it"),
        Verb("site", "site", "the site's own settings"),
        Verb("target", "target", "the places that kp publishes to"),
        Verb("image", "image", "the operating systems that nodes run"),
        Verb("node", "node", "the client machines"),
        Verb("group", "group", "nodes that share parameters"),
        Verb("kernel", "kernel", "the kernels of an image"),
        Verb("entry", "entry", "the bootable choices of an image"),
        Verb("params", "params", "how kernel parameters are read"),
        Verb("default", "default", "choose the entry that an image's nodes boot"),
        Verb("next", "next", "override what nodes boot next"),
        Verb("edit", "edit", "change an object's document in your editor"),
        Verb("apply", "apply", "make objects what a document says"),
        Verb("export", "export", "print objects as one document"),
        Verb("diff", "diff", "compare the draft with main, or two revisions"),
        Verb("plan", "plan", "show what commit would do"),
        Verb("commit", "commit", "commit and publish the draft"),
        Verb("undo", "undo", "take back the newest edit of the draft"),
        Verb("resolve", "resolve", "settle a conflict between the draft and main"),
        Verb("discard", "discard", "drop the draft"),
        Verb("draft", "draft", "drafts: everybody's, and your own by names"),
        Verb("rollback", "rollback", "take images back to known-good"),
        Verb("revert", "revert", "undo one commit, keep the later ones"),
        Verb("good", "judge", "say that a payload works"),
        Verb("bad", "judge", "say that a payload does not work"),
        Verb("verdict", "verdict", "what is known of payloads"),
        Verb("log", "log", "who changed what, when and why"),
        Verb("show", "show", "one commit, field by field"),
        Verb("blame", "blame", "which commit last set each field of an entry"),
        Verb("at", "at", "what a node or an image booted at a time"),
        Verb("why", "why", "what a node boots next, and why"),
        Verb("verify", "verify", "hold what is served against what was committed"),
        Verb("publish", "publish", "make the targets serve main, repair drift"),
        Verb("gc", "gc", "remove what nothing retained needs"),
        Verb("schema", "schema", "the JSON Schemas of kp's documents"),
    )
}
