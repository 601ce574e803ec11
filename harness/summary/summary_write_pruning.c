/* Elements of the summary document about pruning steps, γ before and after them, and contact sheets. */
#include "base/xml_writer.h"
#include "summary/summary_parts.h"

/* Attributes: what was achieved, over seeds. */
void pb_summary_write_removed(struct pb_xml_writer *writer, const struct pb_summary_row *row)
{
    pb_xml_put_real(writer, "removed", row->removed.mean);
    if (row->removed_varies) {
        pb_xml_put_real(writer, "removed-min", row->removed.min);
        pb_xml_put_real(writer, "removed-max", row->removed.max);
    }
    pb_xml_put_flag(writer, "off-target", row->off_target);
}

void pb_summary_write_best(struct pb_xml_writer *writer, const struct pb_summary_best *best)
{
    if (best->row == NULL)
        return;
    pb_xml_open(writer, "best");
    pb_xml_put(writer, "schedule", best->schedule->id);
    pb_xml_put(writer, "criterion", best->row->criterion);
    pb_xml_put(writer, "target", best->row->target);
    pb_xml_put(writer, "measure", best->row->measure);
    pb_xml_put_count(writer, "candidates", best->candidates);
    pb_xml_put(writer, "verdict", best->verdict);
    if (best->next != NULL) {
        pb_xml_put(writer, "next-schedule", best->next_schedule->id);
        pb_xml_put(writer, "next-criterion", best->next->criterion);
    }
    pb_xml_put_real(writer, "p-control", best->p_control);
    pb_xml_put_real(writer, "p-next", best->p_next);
    pb_xml_close(writer);
}

void pb_summary_write_samples(struct pb_xml_writer *writer, const struct pb_summary_samples *samples)
{
    if (samples->key == NULL)
        return;
    pb_xml_open(writer, "samples");
    pb_xml_put(writer, "key", samples->key);
    pb_xml_put_count(writer, "width", samples->samples.width);
    pb_xml_put_count(writer, "height", samples->samples.height);
    pb_xml_put_count(writer, "augmented-width", samples->augmented.width);
    pb_xml_put_count(writer, "augmented-height", samples->augmented.height);
    for (uint32_t i = 0; i < samples->class_count; i++) {
        pb_xml_open(writer, "class");
        pb_xml_text(writer, samples->classes[i]);
        pb_xml_close(writer);
    }
    pb_xml_close(writer);
}

void pb_summary_write_gamma(struct pb_xml_writer *writer, const char *element, const struct pb_summary_gamma *gamma)
{
    pb_xml_open(writer, element);
    pb_xml_put_count(writer, "n", gamma->seeds);
    pb_xml_put_real(writer, "max", gamma->max);
    pb_xml_put_real(writer, "channels", gamma->channels);
    pb_xml_put_real(writer, "near-zero", gamma->near_zero);
    pb_xml_reals(writer, gamma->bins, gamma->bin_count);
    pb_xml_close(writer);
}

void pb_summary_write_gamma_change(struct pb_xml_writer *writer, const struct pb_summary_gamma_change *change)
{
    if (change->row == NULL)
        return;
    pb_xml_open(writer, "gamma-change");
    pb_xml_put(writer, "schedule", change->schedule->label);
    pb_xml_put(writer, "criterion", change->row->criterion);
    pb_xml_put(writer, "target", change->row->target);
    pb_xml_put(writer, "measure", change->row->measure);
    pb_xml_put_real(writer, "amount", change->row->amount);
    pb_summary_write_removed(writer, change->row);
    pb_xml_put_flag(writer, "select-on-test", change->row->select_on_test);
    pb_xml_put_flag(writer, "zero-gamma-beta", change->row->zero_gamma_beta);
    pb_summary_write_gamma(writer, "before", &change->before);
    pb_summary_write_gamma(writer, "after", &change->after);
    pb_xml_close(writer);
}
