#!/usr/bin/env bats
# The report in a real browser (scripts/setup browser): sorting, filtering, permalinks, keys, phone, paper, accessibility.
# tests/browser/check_report.py does the checks in one browser; each is a test here.
bats_require_minimum_version 1.5.0

has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

setup_file() {
    export SAID=$BATS_FILE_TMPDIR/said
    has_browser >/dev/null || return 0
    out=$BATS_FILE_TMPDIR/out
    axe=$PRUNEBENCH_BUILD/browser/node_modules/axe-core/axe.min.js
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$out" 2 2 3
    "$PRUNEBENCH_BUILD/prunebench" report "$out" --quiet
    "$PRUNEBENCH_BUILD/tests/unit/report/test_nights" "$BATS_FILE_TMPDIR/history" 30 1 2 3
    "$PRUNEBENCH_BUILD/prunebench" history page "$out/report/nights.html" --history "$BATS_FILE_TMPDIR/history" --quiet
    # another run, whose names would run, end or break what shows them
    foreign=$BATS_FILE_TMPDIR/foreign
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$foreign" 1 2 3 failures
    "$(dirname "$BATS_TEST_FILENAME")/../support/foreign-names" "$foreign" >"$BATS_FILE_TMPDIR/names"
    "$PRUNEBENCH_BUILD/prunebench" report "$foreign" --quiet
    note=$(sed -n 's/^host\t//p' "$BATS_FILE_TMPDIR/names")
    foreign_history() { "$PRUNEBENCH_BUILD/prunebench" history "$@" --history "$BATS_FILE_TMPDIR/foreign-history" --quiet; }
    foreign_history add "$foreign" --name "$note" --note "$note"
    foreign_history annotate 1 "$note"
    foreign_history page "$foreign/report/nights.html"
    cp -r "$foreign/report" "$out/report/foreign"
    [ -e "$axe" ] || axe=
    python3 "$(dirname "$BATS_TEST_FILENAME")/../browser/check_report.py" "$out/report/index.html" ${axe:+"$axe"} >"$SAID"
}

# The check of this name went well; it is skipped where what it needs is not installed.
checked() {
    has_browser >/dev/null || skip "no browser is installed (scripts/setup browser)"
    line=$(grep -E "^(ok|not ok|skip) $1(:|\$)" "$SAID")
    echo "$line"
    case $line in
    ok*) ;;
    skip*) skip "${line#*: }" ;;
    *) return 1 ;;
    esac
}

@test "no error, and no request leaves" { checked no_error_and_no_request; }
@test "the page is whole when it is copied alone" { checked the_page_is_whole_when_it_is_copied_alone; }
@test "a click sorts by value and says so" { checked a_click_sorts_by_value_and_says_so; }
@test "the filter shows rows that have every word, and counts them" { checked the_filter_shows_rows_that_have_every_word_and_counts_them; }
@test "a permalink restores order and filter, and opens the fold" { checked a_permalink_restores_order_filter_and_opens_the_fold; }
@test "a cell's permalink marks its row in the list of all" { checked a_cell_permalink_marks_its_row_in_the_list_of_all; }
@test "every number leads to its cell" { checked every_number_leads_to_its_cell; }
@test "keys reach and use everything" { checked keys_reach_and_use_everything; }
@test "without scripts nothing is missing" { checked without_scripts_nothing_is_missing; }
@test "a phone scrolls tables and not the page" { checked a_phone_scrolls_tables_and_not_the_page; }
@test "paper has every fold open, and no table is wider than it" { checked paper_has_every_fold_open; }
@test "headings are in order, and figures have names" { checked headings_are_in_order_and_figures_have_names; }
@test "names are text everywhere" { checked names_are_text_everywhere; }
@test "the first screen has the findings in words and one picture" { checked the_first_screen_has_the_findings_in_words_and_one_picture; }
@test "the page with closed folds is at most so many screens long" { checked the_page_with_closed_folds_is_at_most_so_many_screens_long; }
@test "what is pointed at says more" { checked what_is_pointed_at_says_more; }
@test "points in figures say their values" { checked points_in_figures_say_their_values; }
@test "texts in figures have contrast, in the dark, too" { checked texts_in_figures_have_contrast; }
@test "axe-core finds nothing" { checked axe_finds_nothing; }
