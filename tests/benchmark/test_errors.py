"""Which of the harness's arguments a user's class or function is given."""

import functools

import pytest

from benchmark.errors import BadInput, accepted_arguments, call_with_options

OFFERED = {"config_space": "space", "initial_config": None, "rng": "stream", "max_epochs": 9}


class Plain:
    """Names what it wants."""

    def __init__(self, config_space, rng, shrink=0.9):
        self.given = {"config_space": config_space, "rng": rng, "shrink": shrink}


class Open:
    """Takes whatever there is."""

    def __init__(self, **everything):
        self.given = everything


class OpenWithNames(Open):
    """Names one argument and passes the others on to a constructor that takes all."""

    def __init__(self, config_space, **others):
        super().__init__(config_space=config_space, **others)


class PassesOn(Plain):
    """Takes an option of its own and passes the rest on to a constructor that takes some."""

    def __init__(self, *arguments, steps=3, **others):
        super().__init__(*arguments, **others)
        self.given["steps"] = steps


class PassesOnTwice(PassesOn):
    """Has nothing to say of its own."""

    def __init__(self, **others):
        super().__init__(**others)


class Inherits(Open):
    """Has no constructor of its own."""


class MadeByNew:
    """Takes its arguments where it is made, as immutable classes do."""

    def __new__(cls, **everything):
        made = super().__new__(cls)
        made.given = everything
        return made


class Nothing:
    """Asks for nothing."""

    given = {}  # noqa: RUF012 (never changed)


def build_open(**everything):
    """Build by a function that takes whatever there is."""
    return Open(**everything)


def build_plain(rng):
    """Build by a function of one argument."""
    return Open(rng=rng)


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (Plain, ["config_space", "rng"]),
        (Open, list(OFFERED)),
        (OpenWithNames, list(OFFERED)),
        (PassesOn, ["config_space", "rng"]),
        (PassesOnTwice, ["config_space", "rng"]),
        (Inherits, list(OFFERED)),
        (MadeByNew, list(OFFERED)),
        (Nothing, []),
        (build_open, list(OFFERED)),
        (build_plain, ["rng"]),
        (functools.partial(build_open, shrink=1), list(OFFERED)),
    ],
)
def test_what_takes_any_keyword_is_given_all(made, names):
    """`**kwargs` takes every argument, or those that the constructor takes to which a class passes them on."""
    assert accepted_arguments("a", made, OFFERED) == names
    given = call_with_options("a", made, {}, OFFERED).given
    assert {name: given[name] for name in names} == {name: OFFERED[name] for name in names}


@pytest.mark.parametrize(("made", "option"), [(Open, "shrink"), (PassesOn, "shrink"), (PassesOn, "steps")])
def test_options_reach_what_takes_any_keyword(made, option):
    """The user's options are given beside the harness's arguments."""
    assert call_with_options("a", made, {option: 1}, OFFERED).given[option] == 1


def test_a_reserved_option_of_what_takes_any_keyword_is_refused():
    """The harness's own arguments are not the user's to set."""
    with pytest.raises(BadInput, match=r"a\.rng: reserved"):
        call_with_options("a", Open, {"rng": 1}, OFFERED)
