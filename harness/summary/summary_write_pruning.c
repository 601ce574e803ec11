/* Elements of the summary document about pruning steps, γ before and after them, and contact sheets. */
#include "base/xml.h"
#include "results/emit.h"
#include "summary/summary_parts.h"

void pb_summary_write_steps(struct pb_text *text, const struct pb_summary_row *row)
{
    for (uint32_t i = 0; i < row->step_count; i++) {
        const struct pb_summary_step *step = &row->steps[i];
        pb_text_append(text, "        <step");
        pb_emit_text(text, "stage", step->stage);
        pb_emit_text(text, "from", step->from);
        pb_emit_count(text, "n", step->before.n);
        pb_emit_real(text, "before", step->before.mean);
        pb_emit_real(text, "after", step->after.mean);
        pb_emit_real(text, "threshold", step->threshold.mean);
        pb_emit_real(text, "threshold-sd", step->threshold.sd);
        pb_emit_real(text, "ties", step->ties.mean);
        pb_emit_real(text, "floored", step->floored.mean);
        pb_emit_real(text, "achieved", step->achieved.mean);
        pb_emit_real(text, "equivalence", step->equivalence.max);
        pb_text_append(text, "/>\n");
    }
}

/* Attributes: what was achieved, over seeds. */
void pb_summary_write_removed(struct pb_text *text, const struct pb_summary_row *row)
{
    pb_emit_real(text, "removed", row->removed.mean);
    if (row->removed_varies) {
        pb_emit_real(text, "removed-min", row->removed.min);
        pb_emit_real(text, "removed-max", row->removed.max);
    }
    if (row->off_target)
        pb_emit_text(text, "off-target", "true");
}

void pb_summary_write_best(struct pb_text *text, const struct pb_summary_best *best)
{
    if (best->row == NULL)
        return;
    pb_text_append(text, "    <best");
    pb_emit_text(text, "schedule", best->schedule->id);
    pb_emit_text(text, "criterion", best->row->criterion);
    pb_emit_text(text, "target", best->row->target);
    pb_emit_text(text, "measure", best->row->measure);
    pb_emit_count(text, "candidates", best->candidates);
    pb_emit_text(text, "verdict", best->verdict);
    if (best->next != NULL) {
        pb_emit_text(text, "next-schedule", best->next_schedule->id);
        pb_emit_text(text, "next-criterion", best->next->criterion);
    }
    pb_emit_real(text, "p-control", best->p_control);
    pb_emit_real(text, "p-next", best->p_next);
    pb_text_append(text, "/>\n");
}

void pb_summary_write_samples(struct pb_text *text, const struct pb_summary_samples *samples)
{
    if (samples->key == NULL)
        return;
    pb_text_append(text, "    <samples");
    pb_emit_text(text, "key", samples->key);
    pb_emit_count(text, "width", samples->samples.width);
    pb_emit_count(text, "height", samples->samples.height);
    pb_emit_count(text, "augmented-width", samples->augmented.width);
    pb_emit_count(text, "augmented-height", samples->augmented.height);
    pb_text_append(text, ">");
    for (uint32_t i = 0; i < samples->class_count; i++) {
        pb_text_append(text, "<class>");
        pb_xml_escape(text, samples->classes[i]);
        pb_text_append(text, "</class>");
    }
    pb_text_append(text, "</samples>\n");
}

static void write_bins(struct pb_text *text, const char *element, const struct pb_summary_gamma *gamma)
{
    pb_text_append(text, "      <%s", element);
    pb_emit_count(text, "n", gamma->seeds);
    pb_emit_real(text, "max", gamma->max);
    pb_emit_real(text, "channels", gamma->channels);
    pb_emit_real(text, "near-zero", gamma->near_zero);
    pb_text_append(text, ">");
    for (uint32_t i = 0; i < gamma->bin_count; i++) {
        pb_text_append(text, i == 0 ? "" : " ");
        pb_emit_number(text, gamma->bins[i]);
    }
    pb_text_append(text, "</%s>\n", element);
}

void pb_summary_write_gamma_change(struct pb_text *text, const struct pb_summary_gamma_change *change)
{
    if (change->row == NULL)
        return;
    pb_text_append(text, "    <gamma-change");
    pb_emit_text(text, "schedule", change->schedule->label);
    pb_emit_text(text, "criterion", change->row->criterion);
    pb_emit_text(text, "target", change->row->target);
    pb_emit_text(text, "measure", change->row->measure);
    pb_emit_real(text, "amount", change->row->amount);
    pb_summary_write_removed(text, change->row);
    if (change->row->select_on_test)
        pb_emit_text(text, "select-on-test", "true");
    if (change->row->zero_gamma_beta)
        pb_emit_text(text, "zero-gamma-beta", "true");
    pb_text_append(text, ">\n");
    write_bins(text, "before", &change->before);
    write_bins(text, "after", &change->after);
    pb_text_append(text, "    </gamma-change>\n");
}
