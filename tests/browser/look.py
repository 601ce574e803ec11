#!/usr/bin/env python3
"""Screenshots of a page for a reader's eyes: wide, on a phone, dark, and on paper.

usage: tests/browser/look.py PAGE.html FOLDER [#FRAGMENT]
"""
import os
import pathlib
import sys

from browser import Browser, Page


def main():
    page, folder = pathlib.Path(sys.argv[1]).resolve().as_uri(), sys.argv[2]
    fragment = sys.argv[3] if len(sys.argv) > 3 else ""
    os.makedirs(folder, exist_ok=True)
    browser = Browser()
    try:
        for name, settings in (("wide", {}), ("phone", {"width": 390, "height": 844}), ("dark", {"dark": True})):
            Page(browser, **settings).open(page + fragment).screenshot(f"{folder}/{name}.png")
        Page(browser, width=390, height=5000).open(page + fragment).screenshot(f"{folder}/phone-long.png")
        Page(browser).open(page).paper(f"{folder}/paper.pdf")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
