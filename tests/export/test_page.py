"""The page that games are exported into: in a real browser, with two games written by hand."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.export import node
from tests.export.browser import chromium, opened

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "ganfield/export/page.html"
MARKER = "/*GANFIELD-MODEL*/"
HERE = Path(__file__).parent / "page"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The page with either game, as exporting makes it: a text in the marker's place."""
    folder = tmp_path_factory.mktemp("pages")
    mock = (HERE / "mock.js").read_text().replace("export const", "const")
    paths = {name: folder / f"{name}.html" for name in ("dirac", "lattice")}
    for name, path in paths.items():
        path.write_text(PAGE.read_text().replace(MARKER, f"{mock}\nconst model = {name};"))
    return paths


def read(page, what):
    """Return what the page holds; `scene` and `store` are its own names."""
    return page.evaluate(f"(({{scene, store, player, scaleNow}}) => {what})(ganfield)")


def place(page, theta, phi):
    """Where a point of the plane is on the screen."""
    x, y = read(page, f"[scaleNow().x({theta}), scaleNow().y({phi})]")
    box = page.locator("#plane").bounding_box()
    return box["x"] + x, box["y"] + y


def color_at(page, canvas, theta, phi):
    """The colour that is drawn at a point, red, green, blue, opacity."""
    return page.evaluate(
        """([id, theta, phi]) => {
          const canvas = document.getElementById(id);
          const scale = ganfield.scaleNow();
          const ratio = canvas.width / canvas.clientWidth;
          const [x, y] = [scale.x(theta) * ratio, scale.y(phi) * ratio];
          const pixel = document.createElement("canvas").getContext("2d");
          pixel.drawImage(canvas, -Math.floor(x), -Math.floor(y));
          return [...pixel.getImageData(0, 0, 1, 1).data];
        }""",
        [canvas, theta, phi],
    )


def drag(page, name, share):
    """Drag a slider with the mouse to a share of its length."""
    box = page.locator(f"input[type=range][data-name={name}]").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 6, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, middle, steps=4)
    page.mouse.up()


def test_built_page_is_one_file_with_one_marker():
    text = PAGE.read_text()
    assert text.count(MARKER) == 1
    assert len(text.encode()) < 100_000
    assert re.findall(r"(?:https?:)?//\w+\.[\w.]+", text) == ["http://www.w3.org"]  # SVG's name
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=(?!\"data:,)", text)


def test_lock_file_names_no_registry():
    text = (ROOT / "ganfield/export/page/package-lock.json").read_text()
    assert "resolved" not in text
    assert "registry" not in text


@pytest.mark.slow
def test_analysis_under_node():
    files = [*HERE.glob("*.test.js")]
    said = node.told("--test", "--test-reporter=tap", *files)
    count = sum(file.read_text().count("\ntest(") for file in files)
    assert count > 0
    assert f"\n# pass {count}\n" in said


@pytest.mark.slow
def test_eigenvalues_are_those_of_numpy():
    random = np.random.default_rng(0)
    matrices = [random.normal(size=(n, n)) for n in range(2, 13) for _ in range(20)]
    matrices += [np.diag([1.0, 1.0, 2.0]), np.triu(random.normal(size=(6, 6))), np.zeros((3, 3))]
    matrices += [1e8 * matrices[40], 1e-8 * matrices[41], np.ones((5, 5))]
    module = (ROOT / "ganfield/export/page/source/analysis/eigenvalues.js").as_uri()
    program = f"""
      import {{ readFileSync }} from "node:fs";
      import {{ eigenvalues }} from "{module}";
      const values = JSON.parse(readFileSync(0, "utf8")).map((matrix) => eigenvalues(matrix));
      console.log(JSON.stringify(values.map((each) => each.map(({{re, im}}) => [re, im]))));
    """
    told = node.told(
        "--input-type=module",
        "--eval",
        program,
        input=json.dumps([matrix.ravel().tolist() for matrix in matrices]),
    )
    for matrix, pairs in zip(matrices, json.loads(told), strict=True):
        ours = np.array(pairs) @ [1, 1j]
        theirs = np.linalg.eigvals(matrix)
        assert len(ours) == len(theirs)
        # Each has its own: the nearest of the other's, and no two the same.
        for value in ours:
            index = np.argmin(abs(theirs - value))
            assert abs(theirs[index] - value) <= 1e-10 * np.linalg.norm(matrix)
            theirs = np.delete(theirs, index)


@pytest.mark.slow
def test_slider_moves_field_and_eigenvalues(browser, pages):
    with opened(browser, pages["dirac"], "field=consensus&gamma=0.5") as page:
        ground = "[...document.querySelector('#ground').toDataURL()].length"
        assert page.locator("#values-field").inner_text() == "w′: −0.125 ± 0.5i"
        before = page.evaluate("document.querySelector('#ground').toDataURL()")
        drag(page, "gamma", 0.5)
        gamma = read(page, "store.choices.options[1]")
        assert 1.3 < gamma < 1.7
        # At the equilibrium w′ = J − γJᵀJ has the eigenvalues −γ/4 ± i/2.
        # The page draws once a frame, so what it says may be a frame behind the slider.
        said = "document.querySelector('#values-field').textContent"
        number = f"parseFloat({said}.split('−')[1])"
        page.wait_for_function(
            f"Math.abs({number} - {gamma / 4}) < 1e-3 && {said}.includes('± 0.5i')"
        )
        real = page.locator("#values-field").inner_text().split()[1].replace("−", "-")
        assert float(real) == pytest.approx(-gamma / 4, abs=1e-3)
        assert page.evaluate("document.querySelector('#ground').toDataURL()") != before
        # And a step's, |1 + hλ|.
        radius = float(page.locator("#radius").inner_text().split()[2].rstrip("."))
        assert radius == pytest.approx(abs(1 + 0.1 * (-gamma / 4 + 0.5j)), abs=1e-3)
        assert page.evaluate(ground) > 1000
        assert page.evaluate("document.title") == "Dirac-GAN"


@pytest.mark.slow
def test_clicks_start_runs_that_follow_the_method(browser, pages):
    address = "game=wasserstein&method=alternating&steps=50&pace=fast&show=equilibria"
    with opened(browser, pages["dirac"], address) as page:
        for theta, phi in ((1, 0.5), (-1, 0.25)):
            page.mouse.click(*place(page, theta, phi))
        assert len(read(page, "store.choices.starts")) == 2
        page.wait_for_function("ganfield.store.choices.at === 50 && !ganfield.player.playing")
        path = np.array(read(page, "scene.runs[1].path")).reshape(-1, 2)[:51]
        x = path[0]
        assert x == pytest.approx([-1, 0.25], abs=0.02)
        for step in path[1:]:  # φ first, and θ sees where it went
            phi = x[1] - 0.1 * x[0]
            x = np.array([x[0] + 0.1 * phi, phi])
            assert step == pytest.approx(x, abs=1e-12)
        norms = read(page, "scene.runs[1].norms")[:51]
        assert norms == pytest.approx(np.hypot(*path.T))
        # What is drawn: the first run's colour where it ends, nothing far from both.
        end = read(page, "scene.runs[0].path.slice(100, 102)")
        assert color_at(page, "marks", *end) == [0xD5, 0x5E, 0x00, 255]
        assert color_at(page, "marks", 1.9, -1.9)[3] == 0

        # Another setting takes the same runs anew.
        page.select_option("#method", "simultaneous")
        page.wait_for_function("ganfield.scene.runs[0].norms.length >= 51")
        norms = read(page, "scene.runs[0].norms")
        assert norms[50] / norms[0] == pytest.approx(1.01**25)

        page.click("#undo")
        assert len(read(page, "scene.runs")) == 1
        page.click("#clear")
        assert read(page, "[scene.runs.length, store.choices.at]") == [0, 0]


@pytest.mark.slow
def test_step_by_step_and_slow_motion(browser, pages):
    with opened(browser, pages["dirac"], "starts=1,1;-1,0&steps=30") as page:
        page.click("#step")
        page.click("#step")
        page.click("#back")
        assert read(page, "[store.choices.at, ...scene.runs.map(({age}) => age)]") == [1, 1, 1]
        page.click("#last")
        assert page.locator("#at").inner_text() == "30"
        page.locator("#scrub").fill("12")
        assert read(page, "scene.runs[0].age") == 12
        page.select_option("#pace", "slow")
        page.click("#play")
        page.wait_for_function("ganfield.store.choices.at > 12")
        assert page.get_attribute("#play", "aria-label") == "Pause"
        page.click("#play")
        at = read(page, "store.choices.at")
        assert at < 16
        page.wait_for_timeout(500)
        assert read(page, "store.choices.at") == at


@pytest.mark.slow
def test_equilibria_of_the_lattice_and_spurious_ones(browser, pages):
    with opened(browser, pages["lattice"]) as page:
        listed = "[...document.querySelectorAll('#equilibria button')]"
        kinds = f"{listed}.map((each) => each.dataset.kind).sort().join()"
        page.wait_for_function(f"{listed}.length === 9")
        expected = ["saddle"] * 4 + ["stable"] * 4 + ["unstable"]
        assert page.evaluate(kinds) == ",".join(expected)
        # A key chooses the field; from γ = 1/(1+c²) = 0.8 on, w attracts to the middle.
        page.keyboard.press("3")
        assert read(page, "store.choices.field") == 2
        page.locator("input[type=number][data-name=gamma]").fill("0.85")
        page.locator("input[type=number][data-name=gamma]").press("Enter")
        page.wait_for_function(
            f"{listed}.some((each) => each.dataset.spurious === 'true' &&"
            "each.dataset.kind === 'stable')"
        )
        page.locator("#equilibria button[data-spurious=true]").first.click()
        assert read(page, "store.choices.probe") == [0, 0]
        page.wait_for_function(
            "document.querySelector('#kind').textContent.startsWith('spurious attractor')"
        )
        assert color_at(page, "marks", 0, 0) == [0xD5, 0x5E, 0x00, 255]  # the star's own


@pytest.mark.slow
def test_basins_come_from_a_worker_while_the_page_answers(browser, pages):
    with opened(browser, pages["lattice"], "coupling=0&show=basins,equilibria") as page:
        page.wait_for_function("ganfield.scene.basins")
        assert len(page.workers) == 1
        frames = page.evaluate(
            """async () => {
              let frames = 0;
              const until = performance.now() + 300;
              while (performance.now() < until) {
                await new Promise(requestAnimationFrame);
                frames++;
              }
              return frames;
            }"""
        )
        assert frames >= 3
        page.wait_for_selector("#plane[data-basins=done]", state="attached")
        attractors = np.array(read(page, "scene.basins.attractors"))
        assert np.abs(attractors) == pytest.approx(np.pi, abs=1e-6)
        count = read(page, "scene.basins.count")
        outcomes = np.array(read(page, "[...scene.basins.outcomes]")).reshape(count, count)
        sides = np.sign(attractors)[outcomes]
        middles = (np.arange(count) + 0.5) / count - 0.5
        theta, phi = np.meshgrid(middles, middles)
        assert np.array_equal(sides[..., 0], np.sign(theta))
        assert np.array_equal(sides[..., 1], np.sign(phi))
        # Four colours are drawn, one in each square.
        colors = {tuple(color_at(page, "ground", p, q)) for p in (-2, 2) for q in (-2, 2)}
        assert len(colors) == 4


@pytest.mark.slow
def test_copies_and_the_address(browser, pages, tmp_path):
    address = "game=wasserstein&field=consensus&gamma=1.25&starts=1,0.5&at=20&show=nullclines"
    settings = {"accept_downloads": True, "permissions": ["clipboard-read", "clipboard-write"]}
    with opened(browser, pages["dirac"], address, **settings) as page:
        page.locator("#theme").click()
        page.wait_for_function("location.hash.includes('theme=light')")
        chosen = read(page, "store.choices")
        page.click("#copy-link")
        link = page.evaluate("navigator.clipboard.readText()")
        saved = {}
        for kind in ("csv", "svg", "png"):
            with page.expect_download() as download:
                page.click(f"#save-{kind}")
            saved[kind] = tmp_path / download.value.suggested_filename
            download.value.save_as(saved[kind])
        page.click("#show-program")
        program = page.locator("#program-text").inner_text()
        page.click("#copy-program")
        assert page.evaluate("navigator.clipboard.readText()").strip() == program.strip()
        page.click("#close-program")

    assert "gf.consensus(v, gamma=1.25)" in program
    assert "starts = [[1,0.5]]" in program
    assert [path.name for path in saved.values()] == [
        "Dirac_GAN.csv", "Dirac_GAN.svg", "Dirac_GAN.png"
    ]  # fmt: skip
    run, step, theta, phi, norm = np.loadtxt(saved["csv"], delimiter=",", skiprows=1).T
    assert list(step) == list(range(21))
    assert set(run) == {1}
    # w = v − γ∇L of v = (φ, −θ) is (φ − γθ, −θ − γφ).
    x = np.array([theta[0], phi[0]])
    for point in zip(theta, phi, strict=True):
        assert point == pytest.approx(x, abs=1e-9)
        x = x + 0.1 * np.array([x[1] - 1.25 * x[0], -x[0] - 1.25 * x[1]])
    assert norm == pytest.approx(np.hypot(theta, phi))
    assert saved["png"].read_bytes().startswith(b"\x89PNG")
    svg = saved["svg"].read_text()
    assert svg.startswith("<svg")
    assert "Dirac-GAN, wasserstein" in svg

    with opened(browser, pages["dirac"], link.partition("#")[2]) as page:
        assert read(page, "store.choices") == chosen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "height"), [(360, 640), (740, 360), (900, 1100), (1440, 900), (3840, 2160)]
)
def test_nothing_sticks_out(browser, pages, width, height):
    size = {"width": width, "height": height}
    with opened(browser, pages["lattice"], viewport=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        plane = page.locator("#plane").bounding_box()
        assert plane["x"] >= 0
        assert plane["x"] + plane["width"] <= width
        assert min(plane["width"], plane["height"]) > min(250, 0.3 * width)


@pytest.mark.slow
def test_touch_starts_a_run_and_pinches_zoom(browser, pages):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with opened(browser, pages["dirac"], color_scheme="dark", **phone) as page:
        page.touchscreen.tap(*place(page, 1, 0.5))
        assert read(page, "store.choices.starts[0]") == pytest.approx([1, 0.5], abs=0.05)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        (x, y), send = place(page, 0, 0), page.context.new_cdp_session(page).send

        def fingers(kind, apart):
            points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
            points = [] if kind == "touchEnd" else points
            send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", 30)
        for apart in (40, 50, 60):
            fingers("touchMove", apart)
        fingers("touchEnd", 60)
        low, high = read(page, "store.choices.bounds[0]")
        assert 1 < high - low < 3
        assert len(read(page, "store.choices.starts")) == 1


@pytest.mark.slow
def test_keyboard_alone(browser, pages):
    with opened(browser, pages["dirac"]) as page:
        page.focus("#plane")
        for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowUp"):
            page.keyboard.press(key)
        assert read(page, "store.choices.probe") == pytest.approx([0.2, 0.11])
        assert page.locator("#live").inner_text().startswith("θ 0.2, φ 0.11")
        page.keyboard.press("Enter")
        assert read(page, "store.choices.starts") == [pytest.approx([0.2, 0.11])]
        assert read(page, "player.playing")
        page.keyboard.press("Space")
        assert not read(page, "player.playing")
        page.keyboard.press("+")
        assert read(page, "store.choices.bounds[0][1]") < 2
        page.keyboard.press("0")
        assert read(page, "store.choices.bounds[0][1]") == 2
        page.keyboard.press("Backspace")
        assert read(page, "store.choices.starts") == []
        # Everything that can be pressed or moved has a name for those who hear the page.
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, input, select, [role=img]")].filter(
              (each) => !(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")
                || each.labels?.length || each.textContent.trim())).map((each) => each.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.slow
def test_those_who_want_no_motion_see_the_whole_run(browser, pages):
    with opened(browser, pages["dirac"], "steps=40", reduced_motion="reduce") as page:
        page.mouse.click(*place(page, 1, 0.5))
        assert read(page, "[store.choices.at, scene.runs[0].age]") == [40, 40]
        assert not read(page, "player.playing")


@pytest.mark.slow
def test_explanations_open_at_a_press(browser, pages):
    with opened(browser, pages["dirac"]) as page:
        ask = page.locator("#field-row .ask")
        ask.click()
        assert "The game's own field." in page.locator("#field-row .why").inner_text()
        page.select_option("#field", "consensus")
        assert "Consensus adds" in page.locator("#field-row .why").inner_text()
        assert ask.get_attribute("aria-expanded") == "true"
        ask.click()
        assert not page.locator("#field-row .why").is_visible()


@pytest.mark.slow
def test_page_in_a_cell_has_no_link(browser, pages, tmp_path):
    text = pages["dirac"].read_text().replace("&", "&amp;").replace('"', "&quot;")
    outer = tmp_path / "notebook.html"
    outer.write_text(
        f'<meta charset="utf-8"><link rel="icon" href="data:,">'
        f'<p id="where">x</p><script>var ganfield = 1</script>'
        f'<iframe srcdoc="{text}" width="1000" height="700"></iframe>'
    )
    with opened(browser, outer) as page:
        frame = page.frames[1]
        frame.wait_for_function("globalThis.ganfield")
        assert frame.locator("#copy-link").is_hidden()
        assert frame.locator("#show-program").is_visible()
        frame.locator("#layer-basins").check()
        frame.wait_for_function("ganfield.scene.basins")


@pytest.mark.slow
def test_what_is_not_finite_is_hatched(browser, pages, tmp_path):
    holes = tmp_path / "holes.html"
    value = "([x, y]) => (x < 0 ? [NaN, NaN] : [-y, x])"
    model = f"{{...dirac, fields: [{{...dirac.fields[0], value: {value}}}]}}"
    holes.write_text(
        pages["dirac"].read_text().replace("const model = dirac", f"const model = {model}")
    )
    with opened(browser, holes, "show=equilibria&starts=-1,1;1,-1&at=20") as page:
        colors = {
            side: {color_at(page, "ground", side * (0.5 + 0.01 * k), 1.2)[0] for k in range(60)}
            for side in (-1, 1)
        }
        assert colors[1] == {255}
        assert len(colors[-1]) > 1
        # A run that begins there has its start alone.
        assert read(page, "scene.runs.map((run) => run.norms.length)") == [1, 22]


@pytest.mark.slow
def test_five_hundred_points_move(browser, pages):
    with opened(browser, pages["lattice"], "show=cloud") as page:
        assert read(page, "scene.cloud.count") == 500
        before = read(page, "[...scene.cloud.states[7]]")
        page.wait_for_function(
            f"ganfield.scene.cloud.states[7].some((x, k) => x !== {json.dumps(before)}[k])"
        )
