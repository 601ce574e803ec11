/*
 * Penalty "copy-me": λ·Σ ½·‖w‖²/n over the filters of every layer, n the number of a filter's weights.
 *
 * 1. Say above in one line what your penalty is, and in plugin.reference below where it comes from.
 * 2. Write term_hook: which units of the network's parameters are penalised, and by which rule (enum pb_penalty_unit,
 *    enum pb_penalty_rule). Backends compute the rules.
 * 3. Write coefficients(), or leave it out where every unit counts alike: one finite number from 0 up per unit. λ is the
 *    matrix's and is multiplied by the host. Set period in the term where they change within an epoch.
 * 4. Declare your settings in the option table, or delete it with the struct (and plugin.options…): the table parses
 *    them, checks them, documents them and records them in every result.
 * 5. make && make check; then <penalty plugin="copy-me" lambda="1e-4"/> in a matrix.
 *
 * <prunebench/penalty.h> says of every hook what it must do and who owns what.
 */
#include <cstddef>
#include <exception>
#include <new>

#include <prunebench/penalty.h>

namespace
{

struct options {
    bool linear;
};

/* What create_hook was given; the host keeps both until destroy_hook. */
struct decay {
    const pb_host *host;
    const options *settings;

    void coefficients(const pb_penalty_view &layer, double *coefficients) const
    {
        const bool counts = !layer.linear || settings->linear;
        for (uint32_t unit = 0; unit < layer.units; unit++)
            coefficients[unit] = counts ? 1.0 / layer.unit_values : 0;
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
    return guard(host, [&] { *self = new decay{host, static_cast<const options *>(settings)}; });
}

constexpr pb_penalty_term make_term()
{
    pb_penalty_term term{};
    term.size = sizeof term;
    term.unit = PB_UNIT_FILTERS;
    term.rule = PB_RULE_L2;
    return term;
}
constexpr pb_penalty_term filters = make_term();

const pb_penalty_term *term_hook(void *, uint32_t index)
{
    return index == 0 ? &filters : nullptr;
}

pb_status coefficients_hook(void *self, uint32_t, const pb_penalty_view *layer, double *coefficients)
{
    const auto *penalty = static_cast<const decay *>(self);
    return guard(penalty->host, [&] { penalty->coefficients(*layer, coefficients); });
}

void destroy_hook(void *self)
{
    delete static_cast<decay *>(self);
}

constexpr pb_penalty make_penalty()
{
    pb_penalty penalty{};
    penalty.size = sizeof penalty;
    penalty.create = create_hook;
    penalty.term = term_hook;
    penalty.coefficients = coefficients_hook;
    penalty.destroy = destroy_hook;
    return penalty;
}
constexpr pb_penalty penalty = make_penalty();

constexpr pb_option option_table[] = {
    /* name, help, type, unit, default, min, max, choices, offset */
    {"linear", "whether linear layers are penalised as well", PB_OPTION_BOOL, nullptr, "false", 0, 0, nullptr,
     offsetof(options, linear)},
};

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_PENALTY);
    plugin.name = "copy-me";
    plugin.summary = "mean square of the filter";
    plugin.version = "1.0.0";
    plugin.options = option_table;
    plugin.option_count = sizeof option_table / sizeof option_table[0];
    plugin.option_stride = sizeof option_table[0];
    plugin.options_size = sizeof(options);
    plugin.penalty = &penalty;
    return plugin;
}
constexpr pb_plugin plugin = make_plugin();

} // namespace

const pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : nullptr;
}
