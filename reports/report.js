// Sorting, filtering and permalinks of the report's tables: the page is whole without it.
// In the address: #cell=ID shows a cell's row; #sort=TABLE:COLUMN:up|down and #filter=TABLE:WORDS, each any number of
// times, joined by "&", the parts in percent encoding.
(function () {
  "use strict";
  var tables = [];

  // "87.1 ± 0.6", "−0.4", "< 0.001", "1 to 3": by the first number; NaN without one
  function number(text) {
    var match = text.replace(/\u2212/g, "-").match(/^[^0-9.+-]{0,2}([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i);
    return match ? parseFloat(match[1]) : NaN;
  }

  function textOf(row, column) {
    return row.cells[column].textContent.trim();
  }

  // Numbers before words, what is missing last in both directions, equal ones in the table's own order
  function compare(table, a, b) {
    var x = textOf(a.row, table.column), y = textOf(b.row, table.column), way = table.down ? -1 : 1;
    var missingX = x === "" || x === "–", missingY = y === "" || y === "–";
    if (missingX || missingY) return missingX - missingY || a.place - b.place;
    var m = table.right ? number(x) : NaN, n = table.right ? number(y) : NaN;
    if (isNaN(m) !== isNaN(n)) return isNaN(m) - isNaN(n);
    var order = isNaN(m) ? x.localeCompare(y, "en", { numeric: true }) : m - n;
    return way * order || a.place - b.place;
  }

  function show(table) {
    var words = table.words.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
    var order = table.rows.slice();
    if (table.column >= 0) {
      table.right = table.heads[table.column].classList.contains("right");
      order.sort(function (a, b) { return compare(table, a, b); });
    }
    order.forEach(function (item) {
      var text = item.row.textContent.toLowerCase();
      item.row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      shown += !item.row.hidden;
      item.row.parentNode.appendChild(item.row);
    });
    table.heads.forEach(function (head, i) {
      if (i === table.column) head.setAttribute("aria-sort", table.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    table.element.classList.toggle("sorted", table.column >= 0);
    table.element.classList.toggle("filtered", words.length > 0);
    if (table.input && table.input.value !== table.words) table.input.value = table.words;
    if (table.count) table.count.textContent = words.length ? shown + " of " + table.rows.length + " rows" : "";
  }

  // The state of all tables as a permalink, without an entry in the browser's history
  function remember() {
    var parts = [];
    tables.forEach(function (table) {
      var name = encodeURIComponent(table.name);
      if (table.column >= 0)
        parts.push("sort=" + name + ":" + encodeURIComponent(table.heads[table.column].dataset.column) + ":" + (table.down ? "down" : "up"));
      if (table.words.trim()) parts.push("filter=" + name + ":" + encodeURIComponent(table.words.trim()));
    });
    history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search);
  }

  function open(element) {
    for (var at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }

  function decode(text) {
    try { return decodeURIComponent(text); } catch (error) { return text; }
  }

  // Every row that leads to the cell is marked; the last, in the list of all cells, is scrolled to
  function showCell(id) {
    var found = null;
    document.querySelectorAll("tbody tr").forEach(function (row) {
      var link = row.querySelector("a[href*='cells/'][href$='.html']");
      var here = Boolean(link) && decode(link.getAttribute("href")).replace(/^.*cells\//, "") === id + ".html";
      row.classList.toggle("here", here);
      if (here) found = row;
    });
    if (!found) return;
    open(found);
    found.scrollIntoView({ block: "center" });
    found.querySelector("a").focus({ preventScroll: true });
  }

  function restore() {
    var hash = location.hash.slice(1), first = null, cell = null;
    tables.forEach(function (table) { table.column = -1; table.words = ""; });
    if (hash.indexOf("=") >= 0) hash.split("&").forEach(function (part) {
      var key = part.slice(0, part.indexOf("=")), values = part.slice(key.length + 1).split(":").map(decode);
      if (key === "cell") cell = values.join(":");
      var table = tables.filter(function (one) { return one.name === values[0]; })[0];
      if (!table || (key !== "sort" && key !== "filter")) return;
      first = first || table;
      if (key === "filter") table.words = values.slice(1).join(":");
      else {
        table.column = table.heads.findIndex(function (head) { return head.dataset.column === values[1]; });
        table.down = values[2] === "down";
      }
    });
    tables.forEach(show);
    if (first) { open(first.element); first.element.parentNode.scrollIntoView({ block: "nearest" }); }
    if (cell !== null) showCell(cell);
    else if (hash && document.getElementById(decode(hash))) open(document.getElementById(decode(hash)));
  }

  function addSorting(table) {
    table.heads.forEach(function (head, i) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () { // a column's first click: numbers downwards, words upwards
        var right = head.classList.contains("right");
        if (table.column !== i) { table.column = i; table.down = right; }
        else if (table.down === right) table.down = !right;
        else table.column = -1;
        show(table);
        remember();
      });
    });
  }

  function addFilter(table, tools) {
    var label = document.createElement("label");
    table.input = document.createElement("input");
    table.input.type = "search";
    table.count = document.createElement("span");
    table.count.setAttribute("role", "status");
    label.appendChild(document.createTextNode("Filter "));
    label.appendChild(table.input);
    table.input.setAttribute("aria-label", "Filter the rows of: " + document.getElementById("table-" + table.name).textContent);
    table.input.addEventListener("input", function () { table.words = table.input.value; show(table); remember(); });
    tools.insertBefore(table.count, tools.firstChild);
    tools.insertBefore(label, tools.firstChild);
  }

  function addLinks(table) {
    table.rows.forEach(function (item) {
      if (item.row.querySelector("a")) item.row.classList.add("leads");
    });
    table.element.addEventListener("click", function (event) {
      var row = event.target.closest("tbody tr");
      if (!row || event.target.closest("a, button") || String(getSelection())) return;
      var link = row.querySelector("a");
      if (link) link.click();
    });
  }

  document.querySelectorAll("div.table[data-table]").forEach(function (box) {
    var element = box.querySelector("table");
    var rows = Array.prototype.map.call(element.tBodies[0].rows, function (row, place) { return { row: row, place: place }; });
    var table = { name: box.dataset.table, element: element, rows: rows, column: -1, down: false, words: "",
      heads: Array.prototype.slice.call(element.tHead.rows[0].cells) };
    tables.push(table);
    addLinks(table);
    if (rows.length < 2) return;
    addSorting(table);
    if (rows.length > 5) addFilter(table, box.querySelector(".tools"));
  });

  // Paper has no folds to open
  var closed = [];
  addEventListener("beforeprint", function () {
    closed = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    closed.forEach(function (fold) { fold.open = true; });
  });
  addEventListener("afterprint", function () { closed.forEach(function (fold) { fold.open = false; }); });
  addEventListener("hashchange", restore);
  restore();
})();
