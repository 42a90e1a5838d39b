"""Pictures of one or two shapes with captions whose truth can be checked.

verdict = zoo.data.scenes.check(image, "a small red circle left of a big blue star")
verdict.passed, verdict.scores()
"""

from zoo.data.scenes.checking import Verdict, check
from zoo.data.scenes.words import COLOURS, SHAPES, Scene, Thing, parse

__all__ = ["COLOURS", "SHAPES", "Scene", "Thing", "Verdict", "check", "parse"]
