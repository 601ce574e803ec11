#!/usr/bin/env python3
"""What a browser makes of a report: one line "ok NAME" or "not ok NAME: why" for each check.

usage: tests/browser/check_report.py REPORT/index.html [AXE.js]     beside it: nights.html, a front page over nights, and
foreign/, a report and nights.html with names that would run, end or break what shows them
"""
import pathlib
import re
import sys

from browser import Browser, Page

CHECKS = []
BOARD = "aircraft.leaderboard"
# What tests/support/foreign-names puts into every name.
HOSTILE = "<script>executed=1</script>"
ROWS = f"Array.from(document.querySelectorAll('[data-table=\"{BOARD}\"] tbody tr'))"
TOP1 = f"{ROWS}.filter(r => !r.hidden).map(r => parseFloat(r.cells[6].textContent))"


def check(function):
    CHECKS.append(function)
    return function


class Report:
    def __init__(self, browser, path, axe):
        self.browser, self.path, self.axe = browser, path, axe
        self.url = path.as_uri()

    def open(self, fragment="", beside=None, **settings):
        page = Page(self.browser, **settings)
        url = self.path.parent.joinpath(beside).as_uri() if beside else self.url
        return page.open(url + fragment)


def equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def unfold(page):
    page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")


def click_head(page, column):
    page.run(f"document.querySelector('[data-table=\"{BOARD}\"] th[data-column={column}] button').click()")


@check
def no_error_and_no_request(report):
    for beside in (None, "tables/runs.html", "nights.html", cell_page(report)):
        page = report.open(beside=beside)
        page.run("new Promise(done => setTimeout(done, 200))")
        equal(page.errors, [])
        own = report.path.parent.as_uri() + "/"
        assert all(url.startswith(own) or url.startswith("data:") for url in page.requests), page.requests
        if beside is None:
            equal([url for url in page.requests if not url.startswith("data:")], [report.url])


def cell_page(report):
    return "cells/" + sorted(path.name for path in report.path.parent.joinpath("cells").iterdir())[0]


@check
def the_page_is_whole_when_it_is_copied_alone(report):
    import shutil
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(shutil.copy(report.path, folder)).resolve()
        page = Page(report.browser).open(copy.as_uri())
        equal(page.errors, [])
        equal(page.run("Array.from(document.images).filter(i => !i.complete || !i.naturalWidth).length"), 0)
        equal(page.run("getComputedStyle(document.querySelector('table')).borderCollapse"), "collapse")


@check
def a_click_sorts_by_value_and_says_so(report):
    page = report.open()
    before = page.run(TOP1)
    click_head(page, "top1")
    equal(page.run(TOP1), sorted(before, reverse=True))
    assert before != sorted(before, reverse=True)
    equal(page.run("document.querySelector('[aria-sort]').getAttribute('aria-sort')"), "descending")
    click_head(page, "top1")
    equal(page.run(TOP1), sorted(before))
    equal(page.run("location.hash"), f"#sort={BOARD}:top1:up")
    click_head(page, "top1")
    equal(page.run(TOP1), before)
    equal(page.run("document.querySelectorAll('[aria-sort]').length"), 0)
    # a minus sign is one, and what is missing comes last
    click_head(page, "difference")
    click_head(page, "difference")
    texts = page.run(f"{ROWS}.map(r => r.cells[10].textContent.trim())")
    numbers = [float(text.replace("−", "-")) for text in texts if text != "–"]
    assert numbers == sorted(numbers) and numbers[0] < 0 < len(numbers) < len(texts), texts
    equal(texts[len(numbers):], ["–"] * (len(texts) - len(numbers)))


@check
def the_filter_shows_rows_that_have_every_word_and_counts_them(report):
    page = report.open()
    page.run(f"(() => {{ const box = document.querySelector('[data-table=\"{BOARD}\"] input');"
             " box.value = 'SCALE soft'; box.dispatchEvent(new Event('input')); })()")
    shown = page.run(f"{ROWS}.filter(r => !r.hidden).map(r => r.textContent)")
    assert shown and all("bn-scale" in text and "soft" in text for text in shown), shown
    count, total = len(shown), page.run(f"{ROWS}.length")
    equal(page.run(f"document.querySelector('[data-table=\"{BOARD}\"] [role=status]').textContent"),
          f"{count} of {total} rows")
    equal(page.run("location.hash"), f"#filter={BOARD}:SCALE%20soft")
    assert page.run("getComputedStyle(document.querySelector('.filtered .repeated')).color !== 'rgba(0, 0, 0, 0)'")


@check
def a_permalink_restores_order_filter_and_opens_the_fold(report):
    page = report.open(f"#sort={BOARD}:top1:up&filter={BOARD}:itself")
    tops = page.run(TOP1)
    assert tops == sorted(tops) and 1 < len(tops) < page.run(f"{ROWS}.length"), tops
    assert page.run(f"document.querySelector('[data-table=\"{BOARD}\"]').closest('details').open")
    page.run("location.hash = ''")
    page.run("new Promise(done => setTimeout(done, 100))")
    equal(page.run(f"{ROWS}.filter(r => r.hidden).length"), 0)
    # what is no table, no column or no encoding harms nothing
    page = report.open("#sort=nothing:x:down&filter=%E0%A4%A&cell=&sort=" + BOARD + ":nothing:up")
    equal(page.errors, [])


@check
def a_cell_permalink_marks_its_row_in_the_list_of_all(report):
    cell = pathlib.Path(cell_page(report)).stem
    page = report.open("#cell=" + cell)
    equal(page.run("Array.from(document.querySelectorAll('tr.here')).pop().cells[0].textContent.split(' ')[0]"), cell)
    assert page.run("document.querySelector('#provenance tr.here').getBoundingClientRect().top < innerHeight")
    equal(page.run("document.activeElement.getAttribute('href')"), f"cells/{cell}.html")


@check
def every_number_leads_to_its_cell(report):
    page = report.open()
    link = page.run(f"{ROWS}[1].querySelector('a').getAttribute('href')")
    page.loaded = False
    page.run(f"{ROWS}[1].cells[6].click()")
    page.wait_for_load()
    assert page.run("location.href").endswith("/" + link), page.run("location.href")
    equal(page.run("document.querySelector('h1').textContent") + ".html", link.removeprefix("cells/"))
    orphans = "Array.from(document.querySelectorAll('[data-table] tbody tr')).filter(r => !r.querySelector('a')).length"
    equal(report.open().run(orphans), 0)


@check
def keys_reach_and_use_everything(report):
    page = report.open()
    page.press("Tab", 9)
    equal(page.run("document.activeElement.className"), "skip")
    page.run(f"document.querySelector('[data-table=\"{BOARD}\"]').closest('details').open = true")
    page.run(f"document.querySelector('[data-table=\"{BOARD}\"] th[data-column=top1] button').focus()")
    page.press("Enter", 13, "\r")
    equal(page.run("document.querySelector('[aria-sort]').dataset.column"), "top1")
    equal(page.run("document.activeElement.tagName"), "BUTTON")


@check
def without_scripts_nothing_is_missing(report):
    text = report.path.read_text(encoding="utf-8")
    page = report.open(scripts=False)
    tree = page.call("DOM.getDocument", depth=1)["root"]["nodeId"]
    found = {what: len(page.call("DOM.querySelectorAll", nodeId=tree, selector=what)["nodeIds"])
             for what in ("table", "svg", "details > summary", "a[href$='.csv']", "th button", "input")}
    equal((found["th button"], found["input"]), (0, 0))
    equal(found["table"], text.count("<table"))
    assert found["svg"] > 5 and found["details > summary"] > 5 and found["a[href$='.csv']"] > 5, found


@check
def a_phone_scrolls_tables_and_not_the_page(report):
    equal(report.open(beside="nights.html", width=390, height=844).run("document.documentElement.scrollWidth"), 390)
    page = report.open(width=390, height=844)
    unfold(page)
    equal(page.run("document.documentElement.scrollWidth"), 390)
    wide = page.run("Array.from(document.querySelectorAll('.scroll')).filter(b => b.scrollWidth > b.clientWidth)"
                    ".map(b => [getComputedStyle(b).overflowX, b.tabIndex])")
    assert wide and all(one == ["auto", 0] for one in wide), wide


@check
def paper_has_every_fold_open(report):
    for scripts in (True, False):
        page = report.open(scripts=scripts)
        page.call("Emulation.setEmulatedMedia", media="print")
        tree = page.call("DOM.getDocument", depth=1)["root"]["nodeId"]
        rows = page.call("DOM.querySelectorAll", nodeId=tree, selector="details:not([open]) table")["nodeIds"]
        assert len(rows) > 5
        for node in rows:
            box = page.call("DOM.getBoxModel", nodeId=node)["model"]
            assert box["height"] > 20, "a table in a closed fold has no height on paper"
        page_width = 190 / 25.4 * 96
        page.call("Emulation.setDeviceMetricsOverride", width=int(page_width), height=1000, deviceScaleFactor=1,
                  mobile=False)
        for node in rows:
            box = page.call("DOM.getBoxModel", nodeId=node)["model"]
            assert box["border"][2] <= page_width + 1, f"a table is {box['width']} px wide on paper"


@check
def headings_are_in_order_and_figures_have_names(report):
    for beside in (None, cell_page(report)):
        page = report.open(beside=beside)
        levels = page.run("Array.from(document.querySelectorAll('h1,h2,h3,h4')).map(h => +h.tagName[1])")
        assert levels[0] == 1 and levels.count(1) == 1, levels
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels
        equal(page.run("Array.from(document.querySelectorAll('svg')).filter(s => !s.getAttribute('aria-label')).length"), 0)


CRASHED = 3  # of foreign_pages


def foreign_pages(report):
    """A page of every kind: the report's, the nights', those of a cell that is well and of one that crashed, the tables."""
    folder = report.path.parent / "foreign"
    cells = sorted(folder.glob("cells/*.html"))
    crashed = next(path for path in cells if "SIGSEGV" in path.read_text(encoding="utf-8"))
    tables = [path for path in sorted(folder.glob("tables/*.html")) if "executed=1" in path.read_text(encoding="utf-8")]
    assert len(tables) > 3
    paths = [folder / "index.html", folder / "nights.html", cells[0], crashed] + tables
    return [str(path.relative_to(report.path.parent)) for path in paths]


@check
def names_are_text_everywhere(report):
    for beside in foreign_pages(report):
        page = report.open(beside=beside)
        unfold(page)
        equal((beside, page.run("typeof window.executed")), (beside, "undefined"))
        equal((beside, page.run("document.querySelectorAll('img[src=x]').length")), (beside, 0))
        assert page.run(f"document.body.textContent.includes({HOSTILE!r})"), f"{beside} does not show the name"
        assert page.run("document.scripts.length") <= 1, beside
        equal(page.errors, [])


@check
def the_first_screen_has_the_findings_in_words_and_one_picture(report):
    for beside, section, figure, words in ((None, "best", "figure-overview", "is ahead with"),
                                           ("nights.html", "now", "figure-nights", "worse since")):
        page = report.open(beside=beside)
        for one in (section, figure):
            box = page.run(f"(() => {{ const box = document.getElementById('{one}').getBoundingClientRect();"
                           " return [box.top, box.bottom, box.width]; })()")
            assert 0 <= box[0] < box[1] <= 900 and box[2] > 200, f"#{one} is at {box}"
        text = page.run(f"document.getElementById('{section}').innerText")
        assert words in text and "%" in text, text
        assert page.run(f"document.querySelector('#{figure} svg').getBoundingClientRect().height") > 100


@check
def the_page_with_closed_folds_is_at_most_so_many_screens_long(report):
    for beside, screens in ((None, 14), ("nights.html", 7)):
        page = report.open(beside=beside)
        page.run("document.querySelectorAll('details').forEach(fold => { fold.open = false; })")
        height = page.run("document.documentElement.scrollHeight")
        assert height <= screens * 900, f"{beside}: {height / 900:.1f} screens"


@check
def what_is_pointed_at_says_more(report):
    page = report.open()
    cells = page.run(f"{ROWS}.map(r => [r.cells[6].textContent, r.cells[6].title])")
    assert cells
    for shown, title in cells:
        # "89.1 ± 0.4" says "89.0556 % ± 0.3849 (n = 3)"
        value = float(title.split(" ")[0])
        assert abs(value - float(shown.split(" ")[0])) <= 0.05 + 1e-9 and len(title) > len(shown), (shown, title)
    for beside in (None, "nights.html"):
        titles = report.open(beside=beside).run("Array.from(document.querySelectorAll('svg title')).map(t => t.textContent)")
        assert titles and all(titles) and not [t for t in titles if t.startswith("gnuplot")], titles


# Of every point in a figure that says something: that, and what a pointer over it would be told.
POINTED = """Array.from(document.querySelectorAll('#FIGURE svg g > title + use')).map(point => {
    point.scrollIntoView({block: 'center', inline: 'center'});
    const box = point.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return [point.previousElementSibling.textContent, top.closest('g').querySelector(':scope > title')?.textContent];
})"""


def blocks(report, name):
    """The blocks of a figure's data, as rows of fields."""
    text = (report.path.parent / f"data/{name}.tsv").read_text(encoding="utf-8")
    return [[row.split("\t") for row in block.splitlines()] for block in text.split("\n\n\n")]


@check
def points_in_figures_say_their_values(report):
    page = report.open()
    overview, panels = blocks(report, "overview"), blocks(report, "aircraft.panels")
    expected = {"overview": [f"{row[6]}: {float(row[3]):.1f} %" for row in overview[0]],
                "aircraft.panels": [f": {float(row[1]):.1f} %" for block in panels[:-3] for row in block]}
    for figure, values in expected.items():
        found = page.run(POINTED.replace("#FIGURE", f"[id=\"figure-{figure}\"]"))
        assert len(found) == len(values) > 10, (figure, len(found), len(values))
        for (said, _), value in zip(found, values):
            assert value in said and "95 % interval" in said, (said, value)
        # points may cover each other: what is on top says its own
        assert sum(said == told for said, told in found) > len(found) / 2, (figure, found)
        assert all(told for _, told in found), (figure, found)
    assert "Channels removed (%): 20" in page.run(POINTED.replace("#FIGURE", '[id="figure-aircraft.panels"]'))[1][0]
    night = report.open(beside="nights.html").run(POINTED.replace("#FIGURE", "#figure-nights"))
    assert [said for said, _ in night if re.fullmatch(r"aircraft, 2026-01-01: [+-]\d\.\d\d points", said)], night[:3]
    assert [said for said, _ in night if re.fullmatch(r"latency, 2026-02-02: [+-]\d+\.\d %", said)], night[-3:]


# Of every text in a figure: its colour, what is painted below its middle, and the filter that the figure has in the dark.
FIGURE_TEXTS = """Array.from(document.querySelectorAll('svg text')).filter(t => t.textContent.trim()).map(text => {
    text.scrollIntoView({block: 'center', inline: 'center'});
    const box = text.getBoundingClientRect();
    const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const paint = element => element instanceof SVGElement && element.tagName !== 'svg'
        ? getComputedStyle(element).fill : getComputedStyle(element).backgroundColor;
    const below = stack.filter(e => !e.closest('text')).find(e => !/^(none|rgba\\(0, 0, 0, 0\\))$/.test(paint(e)));
    return [text.textContent, getComputedStyle(text).fill, below ? paint(below) : '', !!below && !!below.closest('svg'),
            getComputedStyle(text.closest('svg')).filter];
})"""
DARK = "invert(0.91) hue-rotate(180deg)"


def in_the_dark(colour):
    """Filter Effects Module Level 1: inversion by .91, then the matrix of a rotation of hues by 180 degrees."""
    red, green, blue = (0.91 - 0.82 * part for part in colour)
    rotated = (-0.574 * red + 1.430 * green + 0.144 * blue, 0.426 * red + 0.430 * green + 0.144 * blue,
               0.426 * red + 1.430 * green - 0.856 * blue)
    return tuple(min(1, max(0, part)) for part in rotated)


def luminance(colour):
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@check
def texts_in_figures_have_contrast(report):
    for beside in (None, "nights.html"):
        for dark in (False, True):
            page = report.open(beside=beside, dark=dark)
            unfold(page)
            texts = page.run(FIGURE_TEXTS)
            assert len(texts) > 3, (beside, texts)
            for text, fill, below, within, effect in texts:
                assert effect in ("none", DARK), effect
                filtered = in_the_dark if effect == DARK else lambda colour: colour
                colours = [tuple(int(part) / 255 for part in re.findall(r"\d+", one)[:3]) for one in (fill, below)]
                front, back = filtered(colours[0]), filtered(colours[1]) if within else colours[1]
                light, deep = sorted((luminance(front), luminance(back)), reverse=True)
                ratio = (light + 0.05) / (deep + 0.05)
                assert ratio >= 4.5, f"{beside} {'dark' if dark else 'light'}: '{text}' has {ratio:.2f} ({fill} on {below})"


AXE_FOUND = """axe.run().then(r => ({
    violations: r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target + ' ' + n.html.slice(0, 120)).join(' | ')),
    contrasts: r.passes.filter(v => v.id === 'color-contrast').map(v => v.nodes.length)[0] || 0
}))"""


@check
def axe_finds_nothing(report):
    if report.axe is None:
        return "axe-core is not installed (scripts/setup browser)"
    crashed = foreign_pages(report)[CRASHED]
    for beside in (None, cell_page(report), crashed, "tables/runs.html", "nights.html"):
        for settings in ({}, {"dark": True}, {"width": 390, "height": 844}):
            page = report.open(beside=beside, **settings)
            unfold(page)
            page.run(report.axe)
            found = page.run(AXE_FOUND)
            assert not found["violations"], f"{beside} {settings}: {found['violations']}"
            # the pages' colours were computed, and not only passed over as undecided
            assert found["contrasts"] > 10, f"{beside} {settings}: {found}"
    return None


def main():
    axe = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8") if len(sys.argv) > 2 else None
    browser = Browser()
    report = Report(browser, pathlib.Path(sys.argv[1]).resolve(), axe)
    try:
        for function in CHECKS:
            try:
                skipped = function(report)
                print(f"skip {function.__name__}: {skipped}" if skipped else f"ok {function.__name__}", flush=True)
            except (AssertionError, RuntimeError, TimeoutError) as error:
                print(f"not ok {function.__name__}: {str(error)[:1500]}", flush=True)
            browser.close_pages()
    finally:
        browser.close()


if __name__ == "__main__":
    main()
