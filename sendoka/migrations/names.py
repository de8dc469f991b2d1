"""Names of migrations: two words that people can say, chosen by the content, so the same change has the same name."""

from __future__ import annotations

import hashlib
import re

from sendoka.errors import SettingsError

__all__ = ["ADJECTIVES", "NOUNS", "file_name", "two_words"]

ADJECTIVES = tuple(
    """able amber ancient autumn bold brave breezy bright brisk bronze busy calm candid careful cheerful chilly clear
    clever cloudy cobalt copper coral cosmic cozy crimson crisp curious daring dawn deep delicate distant dreamy dusty
    eager early earnest easy electric elegant emerald endless even faithful famous fearless fertile festive fine fleet
    floral fluent fond formal fresh frosty gentle gifted glad gleaming golden graceful grand grateful green happy hardy
    harmonic hazel helpful hidden honest humble icy ideal indigo inventive ivory jade jolly keen kind lasting late leafy
    level light lively lofty loyal lucid lucky lunar magnetic maple marble mellow merry mighty mild misty modern modest
    mossy mystic neat nimble noble northern novel olive open orange orderly patient peaceful pearly placid plain playful
    polite prime proud pure purple quick quiet radiant rapid ready reflective regal restful rich robust rosy rustic
    sacred sandy scarlet secret serene shady sharp shining silent silky silver simple sincere sleek smart smooth snowy
    soft solar solid sonic southern spare spirited spry square stable starry steady stellar stout sturdy subtle sunny
    swift tame teal tender thankful thorough tidy timely tranquil true trusty upbeat useful valiant vast velvet verdant
    vernal vivid warm wary watchful western whole wild willing winged winter wise witty woven young zesty""".split()  # noqa: SIM905 - two hundred literals read worse
)

NOUNS = tuple(
    """acorn alder anchor apple arch arrow aspen aster badger bamboo banjo barn basin bay beacon beaver bell birch bison
    bloom boulder breeze bridge brook butte cabin canoe canyon caravan castle cedar cello cherry cliff cloud clover
    comet compass condor coral cove crane creek crest cricket crystal cypress daisy dale dawn deer delta desert dolphin
    dove dune eagle echo elk elm ember falcon feather fern ferry field finch fjord flame flint forest fountain fox frost
    fury garden gazelle geyser glacier glade glen goose granite grove gull harbor hare hawk hazel heath heron hill
    hollow horizon ibis inlet iris island ivy jasmine jay juniper kestrel kite lagoon lake lantern lark laurel lavender
    ledge lily linden lion lotus lynx magnolia magpie maple marlin marsh marten meadow mesa meteor mill mint moon moose
    moss moth mountain nebula oak oasis ocean orchard orchid oriole osprey otter owl palm panda pebble pelican pepper
    petal pine plain planet plover plum pond poplar poppy prairie puffin quail quarry quartz rain raven reed reef ridge
    river robin rook rose sage sail salmon sequoia shadow shell shore sky snow sparrow spring spruce star stone stork
    storm stream summit sun swallow swan thicket thistle thrush thunder tide tiger trail trout tulip tundra valley
    violet walnut walrus waterfall wave whale willow wind wolf wren yarrow zebra zephyr""".split()  # noqa: SIM905 - the same
)


def two_words(content: str) -> str:
    """Return an adjective and a noun, `reflective_fury`, always the same for the same content."""
    digest = hashlib.sha256(content.encode()).digest()
    adjective = ADJECTIVES[int.from_bytes(digest[:8]) % len(ADJECTIVES)]
    return f"{adjective}_{NOUNS[int.from_bytes(digest[8:16]) % len(NOUNS)]}"


def file_name(number: int, words: str) -> str:
    """Return `0042_reflective_fury`; words of a person's own may have spaces, hyphens and capitals.

    Raises SettingsError for words that leave nothing, or hold anything else.
    """
    plain = re.sub(r"[\s_-]+", "_", words.strip().lower()).strip("_")
    if not re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)*", plain):
        raise SettingsError(
            f"{words!r} cannot be the name of a migration",
            todo="take words of a to z and 0 to 9, with _, - or spaces between them: --name add_tenants",
        )
    return f"{number:04d}_{plain}"
