"""What a name that is none was meant to be.

Comes in: the name, and those that are known.  Goes out: an error's message and advice.  Why: a Cyrillic letter, a function without its
brackets and an entry written as a name each look right to whoever typed them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping

from checker.functions import FUNCTIONS, MEASURES, SHAPED

#: Letters that look Latin and are not.
_LOOKALIKES = str.maketrans("асеіјорухһԁԛԝѕАВЕІЈКМНОРСТХЅοανρυικχγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aceijopyxhdqwsABEIJKMHOPCTXSoavpuikxywABEZHIKMNOPTYX")


def unknown(text: str, among: Collection[str], names: Mapping[str, str]) -> tuple[str, str]:
    """What to say of `text`, which is not `among` what may stand at its place, and what to write instead.

    `names` are those that a formula may use, as Python spells them, with what they are called.
    """
    latin = text.translate(_LOOKALIKES)
    if latin != text and latin in among:
        letter = next(a for a, b in zip(text, latin, strict=True) if a != b)
        return f"{text!r} is written with {unicodedata.name(letter)}.", f"Type the Latin {latin}."
    if text in FUNCTIONS or text in MEASURES or text in SHAPED:
        return f"{text} is a function.", f"Write {text}(…)."
    if text == "T":
        return "T is no name here.", "Write x.T or xᵀ for the transpose."
    if "T" < text[:2] <= "Tz" and text[1:] in among:
        return f"{text} is no name here.", f"Write ᵀ{text[1:]} for the transpose, as in xᵀ{text[1:]}."
    entry = re.fullmatch(r"(.+?)_?(\d+)|(.+)_(\w)", text)
    base, place = (entry[1] or entry[3], entry[2]) if entry else ("", None)
    if base in names:
        one = f"Write {base}[{place}] for one entry; the first is {base}[0]."
        return f"{text} is no name here.", one if place else f"{base} stands for all of its entries."
    strange = next((c for c in text if not c.isascii()), None)
    if strange is not None:
        return f"{text!r} is no name here: it holds {unicodedata.name(strange, 'a strange letter')}.", known(names)
    near = difflib.get_close_matches(text, among, n=1)
    return f"{text} is no name here.", f"Is {near[0]} meant?" if near else known(names)


def known(names: Mapping[str, str]) -> str:
    """The sentence that lists the names."""
    return f"Names are {', '.join([*names.values(), 'pi', 'e'])}."
