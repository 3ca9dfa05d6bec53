"""Every kind of edit, and how often it is drawn."""

from histories import image_edits, node_edits
from histories.drawing import Edit

EDITS: dict[str, Edit] = {**image_edits.EDITS, **node_edits.EDITS}


WEIGHTS = {
    "image add": 1,
    "image set": 4,
    "image rm": 0.5,
    "entry add": 4,
    "entry set": 6,
    "entry rm": 1,
    "default": 4,
    "kernel rm": 0.5,
    "node add": 4,
    "node set": 7,
    "node rm": 1.5,
    "group add": 2.5,
    "group set": 4,
    "group rm": 0.7,
    "next": 5,
    "target disable": 1,
    "target enable": 1.5,
}
