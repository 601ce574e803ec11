#!/usr/bin/env python3
"""What a browser makes of a report: one line "ok NAME" or "not ok NAME: why" for each check.

usage: tests/browser/check_report.py REPORT/index.html [AXE.js]     beside it: nights.html, a front page over nights
"""
import pathlib
import sys

from browser import Browser, Page

CHECKS = []
BOARD = "aircraft.leaderboard"
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
    while not page.loaded:
        page.run("0")
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
    page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
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


@check
def names_are_text_everywhere(report):
    page = report.open()
    page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    equal(page.run("typeof window.executed"), "undefined")
    equal(page.run("document.scripts.length"), 1)
    equal(page.errors, [])


@check
def axe_finds_nothing(report):
    if report.axe is None:
        return "axe-core is not installed (scripts/setup browser)"
    for settings in ({}, {"dark": True}, {"width": 390, "height": 844}, {"beside": cell_page(report)},
                     {"beside": "tables/runs.html"}, {"beside": "nights.html"}, {"beside": "nights.html", "dark": True},
                     {"beside": "nights.html", "width": 390, "height": 844}):
        page = report.open(**settings)
        page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        page.run(report.axe)
        found = page.run("axe.run({exclude: ['svg'], resultTypes: ['violations']}).then(r => r.violations.map("
                         "v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target + ' ' + n.html.slice(0, 120)).join(' | ')))")
        assert not found, f"{settings}: {found}"
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
