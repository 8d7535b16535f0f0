"""``ringside predict``: the nanobenchmarks' modelled cycles beside the published ones."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .arguments import add_prices, processor_of

if TYPE_CHECKING:
    from ..trace.presets import Preset


def add(commands: Any) -> None:
    """Add the command to what ``ArgumentParser.add_subparsers`` gave."""
    text = "predict the cycles of seven nanobenchmarks and hold them against the published ones"
    predict = commands.add_parser("predict", help=text, description=text)
    predict.set_defaults(command=predict_and_compare)
    add_prices(predict)
    predict.add_argument("--explain", action="store_true",
                         help="show what each figure is made of, with sources")
    predict.add_argument("--lang", choices=("en", "hu"), default="en")
    predict.add_argument("--json", action="store_true", help="print as JSON")


def predict_and_compare(options: argparse.Namespace) -> int:
    """Carry the command out."""
    from ..measure import predict
    from ..trace.presets import MEASURED_ON, preset

    processor = processor_of(options) or preset(MEASURED_ON)
    found = predict.predictions(processor)
    if options.json:
        print(json.dumps(as_data(found, processor), ensure_ascii=False, indent=2))
        return 0
    print("\n".join(lines(found, processor, options.lang, explain=options.explain)))
    return 0


def as_data(found: list[Any], processor: Preset) -> dict[str, Any]:
    """The predictions as JSON-ready data."""
    from ..measure.predict import misplaced, ranked_pairs
    from ..measure.words import REASONS, remark

    return {
        "preset": processor.id,
        "own_prices": {name: processor.prices[name].cycles for name in sorted(processor.own)},
        "predictions": [{
            "benchmark": one.benchmark, "system": one.system, "cycles": round(one.cycles, 1),
            "published": one.published.cycles, "note": one.published.note, "given": one.given,
            "factor": round(one.factor, 2), "within_factor_two": one.close,
            "reason": remark(one.key, "en") if one.key in REASONS else "",
            "remark": remark(one.key, "en"),
            "bill": [{"price": name, "count": round(count, 3), "cycles": cycles, "source": source,
                      "confidence": confidence}
                     for name, count, cycles, source, confidence in one.lines],
        } for one in found],
        "pairs": len(ranked_pairs(found)),
        "misplaced": [[list(one.key), list(other.key)] for one, other in misplaced(found)],
    }


def lines(found: list[Any], processor: Preset, lang: str, *, explain: bool) -> list[str]:
    """The same as lines to read."""
    from ..measure.predict import misplaced, ranked_pairs
    from ..measure.words import TITLES, remark
    from ..trace.presets import MEASURED_ON

    hungarian = lang == "hu"
    at_home = processor.id == MEASURED_ON

    def figure(text: str) -> str:
        return text.replace(",", "\u00a0").replace(".", ",") if hungarian else text

    head = (("próba", "rendszer", "modell", "közölt", "szorzó") if hungarian
            else ("benchmark", "system", "predicted", "published", "factor"))
    shown = [f"{head[0]:<22}{head[1]:<16}{head[2]:>10}{head[3]:>11}{head[4]:>8}"]
    for one in found:
        names = TITLES[one.benchmark][hungarian], TITLES[one.system][hungarian]
        known = ("adott" if hungarian else "given") if one.given else figure(f"{one.factor:.2f}")
        cycles, published = figure(f"{one.cycles:,.0f}"), figure(f"{one.published.cycles:,}")
        shown.append(f"{names[0]:<22}{names[1]:<16}{cycles:>10}{published:>11}"
                     f"{known if at_home else '':>8}".rstrip())
        if explain:
            for name, count, cycles, source, sure in one.lines:
                bill = figure(f"{count:7.2f} × {cycles:<7g}")
                shown.append(f"    {bill} {name}  [{_known(sure, source, lang)}]")
        text = remark(one.key, lang)
        if text:
            shown.append(f"    {text}")
    if not at_home:
        shown.append(
            "A közölt számok egy Pentium 4-éi: itt csak tájékozódásul állnak." if hungarian else
            "The published figures are a Pentium 4's: they stand here for orientation only.")
        return shown + _own(processor, hungarian)
    pairs, wrong = len(ranked_pairs(found)), misplaced(found)
    shown.append(
        f"{processor.title}: a több mint 20%-kal eltérő {pairs} párból {pairs - len(wrong)} "
        "sorrendje ugyanaz" if hungarian else
        f"{processor.title}: of {pairs} pairs whose published figures differ by more than 20 %, "
        f"{pairs - len(wrong)} are predicted in the same order")
    shown += [f"    {' '.join(one.key)} ≥ {' '.join(other.key)}" for one, other in wrong]
    return shown + _own(processor, hungarian)


def _known(sure: str, source: str, lang: str) -> str:
    """How sure a price is, and where it comes from."""
    from ..labs.words.price_list import LIST
    from ..labs.words.say import pick
    from ..labs.words.sources import source_in

    return f"{pick(LIST[f'confidence.{sure}'], lang)}: {source_in(source, lang)}"


def _own(processor: Preset, hungarian: bool) -> list[str]:
    """A line for each price that is the user's."""
    from ..labs.words.say import decimal
    from ..labs.words.sources import source_in
    from ..trace.own_prices import written

    lang = "hu" if hungarian else "en"
    yours = "saját ár" if hungarian else "your price"
    return [
        f"{yours}: {name} {decimal(written(price.cycles), lang)}, {source_in(price.source, lang)}"
        for name, price in processor.prices.items() if name in processor.own]
