"""Advice: sentences that each say where they come from and how sure they are."""

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

from bsgen import errors
from bsgen.advice import evidence

Number = float | int | str | None
_WIDTH = 80


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One piece of advice.

    Attributes:
      topic: what it is about, such as "learning rate".
      text: what was found, or what to do; a sentence or a few.
      source: paper, with section or equation; "" for what was measured.
      assumption: under which it holds.
      found: what this project's own studies say about it.
      sureness: how sure it is: "measured", "by definition", or the grade of `found`.
      tested: how it did against data of other runs; "" if it was not held against any.
    """

    topic: str
    text: str
    source: str
    assumption: str
    found: tuple[evidence.Evidence, ...] = ()
    sureness: str = ""
    tested: str = ""

    def __post_init__(self) -> None:
        if not self.sureness:
            object.__setattr__(self, "sureness", evidence.grade(self.found))

    @property
    def how_sure(self) -> str:
        """The sureness, with the studies that it comes from."""
        sure = self.sureness
        if self.found:
            studies = dict.fromkeys(each.study for each in self.found)
            sure += f" in {', '.join(studies)}"
        return "; ".join(filter(None, (sure, self.tested)))


@dataclasses.dataclass(frozen=True)
class Advice:
    """What to do when going from one batch size to another, and why.

    `print` shows it; `to_dict` has all of it as JSON's types.

    Attributes:
      sentences: in the order of reading.
      numbers: all numbers in them by name; None stands for one that has no bound, or
        could not be measured.
    """

    sentences: tuple[Sentence, ...]
    numbers: Mapping[str, Number]

    def __getitem__(self, topic: str) -> Sentence:
        """Returns the sentence on a topic.

        Raises:
          UserError: there is none.
        """
        for sentence in self.sentences:
            if sentence.topic == topic:
                return sentence
        known = (sentence.topic for sentence in self.sentences)
        raise errors.unknown_name("topic", topic, known)

    def to_dict(self) -> dict[str, Any]:
        """Returns the advice as JSON's types; `from_dict` takes them back."""
        return {
            "numbers": dict(self.numbers),
            "sentences": [
                {**dataclasses.asdict(sentence), "found": found}
                for sentence in self.sentences
                for found in [[dataclasses.asdict(each) for each in sentence.found]]
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Advice":
        """Returns the advice that `to_dict` took apart."""
        sentences = [
            Sentence(
                **{
                    **each,
                    "found": tuple(map(evidence.Evidence.from_dict, each["found"])),
                }
            )
            for each in values["sentences"]
        ]
        return cls(tuple(sentences), dict(values["numbers"]))

    def __str__(self) -> str:
        return "\n\n".join(_paragraph(sentence) for sentence in self.sentences)


def _paragraph(sentence: Sentence) -> str:
    """Returns a sentence with its notes, in at most 80 columns."""
    lines = textwrap.wrap(f"{sentence.topic.capitalize()}: {sentence.text}", _WIDTH)
    for name, note in (
        ("source", sentence.source),
        ("assumes", sentence.assumption),
        ("sure", sentence.how_sure),
    ):
        if note:
            lines += textwrap.wrap(
                f"{name}: {note}",
                _WIDTH,
                initial_indent="    ",
                subsequent_indent="      ",
                break_on_hyphens=False,
            )
    return "\n".join(lines)
