"""The suite of benchmarks: its rows, its shares and ratios, and, measured, their guards."""

import json
import math

import pytest

FLOORS = {
    "product, float32": {
        "name": "product",
        "precision": "float32",
        "kind": "product",
        "ganfield": {"seconds": [2.0], "flops": 100.0, "bytes": math.nan},
    },
    "copy, float32": {
        "name": "copy",
        "precision": "float32",
        "kind": "copy",
        "ganfield": {"seconds": [1.0], "flops": math.nan, "bytes": 10.0},
    },
}


def row(name, seconds, **peers):
    ours = {"seconds": [seconds], "flops": 5.0, "bytes": 1.0}
    others = {peer: {"seconds": [time]} for peer, time in peers.items()}
    return {"name": name, "precision": "float32", "kind": "x", "ganfield": ours, **others}


def test_every_row_has_a_name_and_a_peer(load):
    suite = load("suite")
    for quick in (True, False):
        floor, rows = suite.rows_of(suite.Config(quick=quick))
        keys = [each.key for each in (*floor, *rows)]
        assert keys[:2] == ["product, float32", "copy, float32"]
        assert len(set(keys)) == len(keys)
        assert all(each.peers[0] == "ganfield" and len(each.peers) == 2 for each in rows)
        json.dumps([each.task for each in rows])
        assert set(suite.GUARDS) <= {each.name for each in rows}
    names = [each.name for each in suite.rows_of(suite.Config(only="CIFAR"))[1]]
    assert names == ["CIFAR-10, simultaneous", "CIFAR-10, consensus"]
    with pytest.raises(
        ValueError, match=r"only must be a part of a row's name: ring, simult.*rnig"
    ):
        suite.rows_of(suite.Config(only="rnig"))


def test_shares_ratios_and_guards(load):
    """50 operations and 10 bytes a second: 5 and 1 take a tenth of a second each."""
    suite = load("suite")
    rows = FLOORS | {"basins, float32": row("basins", 0.4, NumPy=0.1)}
    said, head, _, line = suite.table(rows).replace("\n\n", "\n").splitlines()
    assert said == "products at 5e-08 GFLOP/s, copies at 1e-08 GB/s"
    assert head == (
        "|  | ms | of the products' floor | of the copies' floor | peer | peer / ganfield |"
    )
    assert line == "| basins | 400 | 25.0% | 25.0% | NumPy | 0.25 |"
    assert suite.broken(rows) == []
    slow = FLOORS | {"ring, consensus, float32": row("ring, consensus", 10.0, PyTorch=1.0)}
    assert suite.broken(slow) == [
        "ring, consensus: product 0.01, at least 0.04 is expected",
        "ring, consensus: PyTorch 0.1, at least 1.5 is expected",
    ]
    alone = {"ring, consensus, float32": row("ring, consensus", 10.0)}
    assert suite.broken(FLOORS | alone)[1:] == []  # Without PyTorch there is no ratio to it.
    failed = row("basins", 0.4) | {"NumPy": {"error": "no memory"}}
    assert suite.broken(FLOORS | {"basins, float32": failed}) == ["basins: no memory"]


@pytest.mark.long
def test_no_ratio_is_lost(load, tmp_path, monkeypatch, capfd):
    """Beside other work, so the margins are wide; compiled as users compile."""
    suite = load("suite")
    for name in ("JAX_DISABLE_MOST_OPTIMIZATIONS", "JAX_COMPILATION_CACHE_DIR", "XLA_FLAGS"):
        monkeypatch.delenv(name, raising=False)
    suite.main(suite.Config(quick=True, output=tmp_path))
    result = json.loads((tmp_path / "suite.json").read_text("utf-8"))
    assert result["broken"] == []
    assert len(result["rows"]["product, float32"]["ganfield"]["seconds"]) == 6
    for each in result["rows"].values():
        assert each["ganfield"]["seconds"], each
        assert each["ganfield"]["flops"] > 0 or each["name"] == "copy", each
    assert "leading eigenvalues" in capfd.readouterr().out
