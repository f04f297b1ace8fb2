"""What was told a choice goes with it, and what the user says stays."""

import pytest

import ganfield as gf


@pytest.mark.parametrize(
    ("preset", "changes", "expected"),
    [
        ("digits/dcgan", {"data.name": "two_moons"}, {"data.size": None}),
        ("digits/dcgan", {"data.name": "ring", "data.size": 8}, {"data.size": 8}),
        (
            "digits/consensus",
            {"method.wrapper": "averaged", "method.wrapper_options.decay": 0.9},
            {"method.wrapper_options.decay": 0.9},
        ),
        ("digits/consensus", {"method.transform": "identity"}, {"method.gamma": None}),
        ("digits/consensus", {"method.transform": "jare", "method.gamma": 2}, {"method.gamma": 2}),
    ],
)
def test_presets_are_not_held_against_who_chooses(preset, changes, expected):
    changed = dict(
        gf.configuration._settings.flat(gf.configuration.preset(preset).replace(changes))
    )
    assert {name: changed[name] for name in expected} == expected


def test_options_go_where_the_new_method_has_none_of_that_name():
    config = gf.configuration.Config().replace(
        {"method.name": "alternating", "method.phi_steps": 2, "method.options.fresh_batches": False}
    )
    changed = config.replace({"method.name": "runge_kutta", "method.options.order": 2}).method
    assert (changed.phi_steps, changed.options) == (1, {"order": 2})


def test_wrappers_are_refused_by_name():
    config = gf.configuration.MethodConfig
    with pytest.raises(ValueError, match=r"unknown method\.wrapper 'lookahed': did you mean"):
        gf.configuration.make_method(config(wrapper="lookahed"))
    with pytest.raises(ValueError, match=r"unknown name in method\.wrapper_options 'share': Known"):
        gf.configuration.make_method(config(wrapper="averaged", wrapper_options={"share": 1.0}))
    with pytest.raises(ValueError, match=r"wrapper_options: there is no method\.wrapper"):
        gf.configuration.make_method(config(wrapper_options={"share": 1.0}))
