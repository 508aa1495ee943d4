"""The page in a browser: it asks for nothing, complains of nothing, and can be used."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from report.build import write_report
from tests.components.made_run import PARAMETERS, MadeNodule, MadeScan, write_run
from tests.report.browser import Tab, chromium, needs_chromium

pytestmark = needs_chromium

NODULES = tuple(
    MadeNodule(str(number), (5, 12 + 10 * number, 30), 5.0 + number, "3-6") for number in range(4)
)
SCAN = MadeScan("a", "eval", NODULES, false_positives=((0.75, (3, 20, 20)),))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    inputs = write_run(folder / "run", [SCAN, MadeScan("b", "train")])
    write_report(inputs, PARAMETERS, str(folder / "report"))
    return (folder / "report" / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


# Width of each image, or an error where one can't be decoded.
WIDTHS = """Promise.all([...document.querySelectorAll("image")].map(async (one) => {
  const image = new Image();
  image.src = one.getAttribute("href");
  await image.decode();
  return image.naturalWidth;
}))"""


def seen(tab: Tab, selector: str) -> bool:
    """Whether an element is drawn."""
    return bool(
        tab.run(f"(document.querySelector({selector!r})?.getClientRects().length ?? 0) > 0")
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_error_and_no_request(browser: Tab, address: str, theme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.ask("Emulation.setEmulatedMedia", features=features)
    browser.open(address)
    browser.settle()

    assert browser.complaints == []
    assert browser.requests == [address]
    assert min(browser.run(WIDTHS)) > 0
    back = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") is (theme == "light")


def test_requests_and_errors_would_be_seen(browser: Tab, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text('<img src="missing.png"><script>nothing.there()</script>')

    browser.open(page.as_uri())

    assert browser.requests == [page.as_uri(), (tmp_path / "missing.png").as_uri()]
    assert len(browser.complaints) == 2


def test_a_point_of_a_plot_opens_its_picture(browser: Tab, address: str) -> None:
    browser.open(address)
    mark = '#size a[href="#nodule-2"]'
    assert not seen(browser, "#nodule-2 .more")

    browser.click(f"{mark} .dot")

    assert browser.run("location.hash") == "#nodule-2"
    assert seen(browser, "#nodule-2 .more") and not seen(browser, "#nodule-1 .more")
    assert browser.run("document.activeElement.id") == "nodule-2"
    top = browser.run("document.querySelector('#nodule-2').getBoundingClientRect().top")
    below = browser.run("document.querySelector('nav').getBoundingClientRect().bottom")
    assert below <= top <= below + 40


def test_a_point_can_be_reached_by_keyboard(browser: Tab, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('#volumes a[href=\"#nodule-3\"]').focus()")
    browser.ask(
        "Input.dispatchKeyEvent",
        **{"type": "keyDown", "key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13},
    )
    browser.settle()

    assert seen(browser, "#nodule-3 .more")


def test_arrows_and_escape(browser: Tab, address: str) -> None:
    browser.open(f"{address}#nodule-1")
    order = browser.run("[...document.querySelectorAll('.item')].map(one => one.id)")

    browser.key("ArrowRight")
    assert browser.run("location.hash") == f"#{order[order.index('nodule-1') + 1]}"
    browser.key("ArrowLeft")
    assert browser.run("location.hash") == "#nodule-1"
    browser.key("Escape")
    assert browser.run("location.hash") == "#gallery"
    assert not seen(browser, "#nodule-1 .more")


def test_outlines_can_be_hidden(browser: Tab, address: str) -> None:
    browser.open(address)
    assert seen(browser, "#nodule-1 path.truth") and seen(browser, "#nodule-1 path.prediction")

    browser.click("#show-truth")

    assert not seen(browser, "#nodule-1 path.truth")
    assert seen(browser, "#nodule-1 path.prediction")


def test_a_link_opens_the_list_that_its_place_is_folded_in(browser: Tab, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('#data details tr').id = 'folded'")
    assert not browser.run("document.querySelector('#data details').open")

    browser.run("location.hash = 'folded'")
    browser.settle()

    assert browser.run("document.querySelector('#data details').open")


def test_the_page_is_printed_light_and_with_all_planes(browser: Tab, address: str) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.ask("Emulation.setEmulatedMedia", media="print", features=dark)
    browser.open(address)

    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen(browser, "#nodule-1 .more") and not seen(browser, "nav")
    browser.ask("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.parametrize("width", [360, 760, 1400])
def test_no_page_is_wider_than_its_window(browser: Tab, address: str, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.ask("Emulation.setDeviceMetricsOverride", **size)
    browser.open(f"{address}#nodule-1")
    browser.settle()

    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.ask("Emulation.clearDeviceMetricsOverride")
