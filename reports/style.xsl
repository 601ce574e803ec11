<?xml version="1.0" encoding="UTF-8"?>
<!-- The page's style sheet. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template name="style">
    <style>
:root { color-scheme: light dark; --text: #1d2329; --soft: #56606b; --line: #d5dae0; --band: #f4f6f8; --paper: #ffffff; --accent: #0060a0; --base: #eaf2f8; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --soft: #a3adb8; --line: #39424c; --band: #1f262d; --paper: #15191e; --accent: #7cc0f0; --base: #1b2c3a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 2rem; line-height: 1.15; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.45rem; margin: 2.75rem 0 .75rem; padding-top: .75rem; border-top: 2px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 1.12rem; margin: 2rem 0 .6rem; }
p { margin: .5rem 0; max-width: 75ch; }
a { color: var(--accent); }
code { font-size: .9em; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--band); padding: .75rem; font-size: .82rem; }
.kicker { color: var(--soft); font-size: .85rem; letter-spacing: .06em; text-transform: uppercase; margin: 0; }
.lead { font-size: 1.08rem; }
nav ul { list-style: none; margin: 1rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); gap: 1rem; }
.card { border: 1px solid var(--line); border-radius: .4rem; padding: .9rem 1.1rem; }
.card h3 { margin: 0; }
.card ul { margin: .5rem 0 0; padding-left: 1.1rem; }
.card li { margin: .3rem 0; }
.big { font-size: 1.7rem; font-weight: 650; margin: .2rem 0; line-height: 1.2; }
.big span { font-size: .85rem; font-weight: 400; color: var(--soft); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 1rem 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.table { margin: 1.1rem 0; }
.scroll { overflow-x: auto; }
.criteria table { min-width: min(100%, 38rem); }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; line-height: 1.35; }
.caption { font-weight: 600; margin: 0 0 .4rem; font-size: .92rem; }
th, td { padding: .28rem .6rem; text-align: left; white-space: nowrap; vertical-align: top; }
th.right, td.right { text-align: right; }
thead th { border-top: 2px solid var(--text); border-bottom: 1px solid var(--text); vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody tr:last-child > * { border-bottom: 2px solid var(--text); }
tr.baseline > * { background: var(--base); border-bottom: 1px solid var(--line); }
tr.first > * { border-top: 1px solid var(--line); }
.claims th, .claims td { padding-left: .4rem; padding-right: .4rem; }
.failures td { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
.failures th { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; }
.unit { color: var(--soft); font-weight: 400; }
.sd { color: var(--soft); font-weight: 400; }
.best { font-weight: 700; }
.repeated { color: transparent; }
.note { color: var(--soft); font-size: .82rem; margin: .35rem 0 0; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--accent); overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem 1.25rem; align-items: start; margin: 1.1rem 0; }
.small { grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); }
figure { margin: 0; max-width: 38rem; min-width: 0; }
.wide figure { max-width: none; margin: 1.1rem 0; }
.drawing { background: #ffffff; border: 1px solid var(--line); border-radius: .3rem; padding: .4rem; overflow-x: auto; }
.drawing svg { display: block; width: 100%; height: auto; margin: 0 auto; }
.sheet { display: flex; gap: .6rem; color: #1d2329; }
.sheet ol { list-style: none; margin: 0; padding: 0; flex: 0 0 9.5rem; display: flex; flex-direction: column; }
.sheet li { flex: 1 1 0; display: flex; align-items: center; font-size: .78rem; line-height: 1.15; overflow-wrap: anywhere; }
.sheet img { flex: 1 1 0; min-width: 0; width: 100%; height: auto; align-self: flex-start; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .4rem; }
footer { color: var(--soft); font-size: .85rem; padding: 2rem 1.25rem; }
@media (max-width: 40rem) { header, main, footer { padding-left: .9rem; padding-right: .9rem; } h1 { font-size: 1.6rem; } .facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .facts dd { margin-bottom: .5rem; } }
@media print {
  :root { color-scheme: light; --text: #000; --soft: #444; --line: #bbb; --paper: #fff; --accent: #000; --base: #f2f2f2; }
  @page { margin: 15mm; }
  body { font-size: 9.5pt; }
  header, main, footer { max-width: none; padding: 0; }
  nav, .files { display: none; }
  h2, h3, .caption { break-after: avoid; }
  figure, tr, .card { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.2pt; }
  th, td { padding: .15rem .3rem; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  a { color: inherit; text-decoration: none; }
}
    </style>
  </xsl:template>
</xsl:stylesheet>
