/*
 * Criterion "copy-me": the mean of |w|^power over a channel's filter.
 *
 * 1. Say above in one line what your score is, and in plugin.reference below where it comes from.
 * 2. State in `needs` what score() reads (enum pb_criterion_data, or-ed); in `uses` what may be missing. All else is NULL.
 * 3. Write score(): one finite number per output channel, higher = more important. Ranking, thresholds, ties and the
 *    removal itself are the host's.
 * 4. If `needs` asks for gradients or activations, add a hook observe: it is called per calibration batch and layer
 *    before any score(); keep what you need in the class.
 * 5. Declare your settings in the option table, or delete it with the struct (and plugin.options…): the table parses
 *    them, checks them, documents them and records them in every result.
 * 6. make && make check; then <criterion plugin="copy-me"/> in a matrix.
 *
 * <prunebench/criterion.h> says of every hook what it must do and who owns what.
 */
#include <cmath>
#include <cstddef>
#include <exception>
#include <new>

#include <prunebench/criterion.h>

namespace
{

struct options {
    double power;
};

/* What score() reads (enum pb_criterion_needs, or-ed). */
constexpr uint32_t needs = PB_DATA_WEIGHTS;

/* What create_hook was given; the host keeps both until destroy_hook. */
struct scorer {
    const pb_host *host;
    const options *settings;

    void score(const pb_layer_view &layer, double *scores) const
    {
        /* weight: channels × kernel_height × kernel_width × input_channels */
        const size_t count = size_t{layer.kernel_height} * layer.kernel_width * layer.input_channels;
        for (uint32_t channel = 0; channel < layer.channels; channel++) {
            const float *filter = layer.weight + channel * count;
            double sum = 0;
            for (size_t i = 0; i < count; i++)
                sum += std::pow(std::fabs(double{filter[i]}), settings->power);
            scores[channel] = sum / static_cast<double>(count);
        }
    }
};

/* Runs a hook's body. The host is C: no exception may reach it. */
template <typename Body> pb_status guard(const pb_host *host, Body body)
{
    try {
        body();
        return PB_OK;
    } catch (const std::bad_alloc &) {
        return host->fail(host, PB_ERROR_MEMORY, "out of memory");
    } catch (const std::exception &exception) {
        return host->fail(host, PB_ERROR_RUN, "%s", exception.what());
    } catch (...) {
        return host->fail(host, PB_ERROR_RUN, "an exception of unknown type was thrown");
    }
}

pb_status create_hook(const pb_host *host, const void *settings, void **self)
{
    return guard(host, [&] { *self = new scorer{host, static_cast<const options *>(settings)}; });
}

pb_status score_hook(void *self, const pb_layer_view *layer, double *scores)
{
    const auto *criterion = static_cast<const scorer *>(self);
    return guard(criterion->host, [&] { criterion->score(*layer, scores); });
}

void destroy_hook(void *self)
{
    delete static_cast<scorer *>(self);
}

constexpr pb_criterion make_criterion()
{
    pb_criterion criterion{};
    criterion.size = sizeof criterion;
    criterion.needs = needs;
    criterion.coupling = PB_COUPLE_SUM;
    criterion.normalise = PB_NORMALISE_MEAN;
    criterion.create = create_hook;
    criterion.score = score_hook;
    criterion.destroy = destroy_hook;
    return criterion;
}
constexpr pb_criterion criterion = make_criterion();

constexpr pb_option option_table[] = {
    /* name, help, type, unit, default, min, max, choices, offset */
    {"power", "exponent of |w|: 1 is the mean magnitude, 2 the mean square", PB_OPTION_REAL, nullptr, "1", 0.1, 10,
     nullptr, offsetof(options, power)},
};

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_CRITERION);
    plugin.name = "copy-me";
    plugin.summary = "mean |w|^power of the filter";
    plugin.version = "1.0.0";
    plugin.options = option_table;
    plugin.option_count = sizeof option_table / sizeof option_table[0];
    plugin.option_stride = sizeof option_table[0];
    plugin.options_size = sizeof(options);
    plugin.criterion = &criterion;
    return plugin;
}
constexpr pb_plugin plugin = make_plugin();

} // namespace

const pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : nullptr;
}
