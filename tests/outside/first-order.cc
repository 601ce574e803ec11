/*
 * Criterion "first-order": Taylor-FO (Molchanov et al. 2019) as somebody else would write it, in C++ and against the installed headers
 * alone. score = Σ_n t_n², or with per=batch Σ_b (mean of t_n over batch b)², where t_n is the derivative of example n's loss by a factor on
 * the channel, which the host has computed. The built-in criterion taylor-fo computes t_n from the batch norm's output instead, and
 * tests/cli/first-plugin.bats compares the two.
 */
#include <cstddef>
#include <exception>
#include <iterator>
#include <new>
#include <vector>

#include <prunebench/criterion.h>

namespace
{

enum per { EXAMPLE, BATCH };

struct options {
    int32_t per;
};

class first_order
{
  public:
    first_order(const pb_host *services, const options &chosen) : host{services}, per_batch{chosen.per == BATCH}
    {
    }

    void observe(const pb_layer_view &layer)
    {
        if (sums.size() < layer.layers)
            sums.resize(layer.layers);
        std::vector<double> &sum = sums[layer.index];
        sum.resize(layer.channels);
        for (uint32_t channel = 0; channel < layer.channels; channel++)
            sum[channel] += change(layer, channel);
    }

    void score(const pb_layer_view &layer, double *scores) const
    {
        const std::vector<double> &sum = sums.at(layer.index);
        for (uint32_t channel = 0; channel < layer.channels; channel++)
            scores[channel] = sum.at(channel);
    }

    const pb_host *const host;

  private:
    /* What the batch adds to the channel's score; gate_grad: N×K. */
    double change(const pb_layer_view &layer, uint32_t channel) const
    {
        double squares = 0, total = 0;
        for (size_t n = 0; n < layer.batch; n++) {
            const double gate = layer.gate_grad[n * layer.channels + channel];
            squares += gate * gate;
            total += gate;
        }
        const double mean = total / layer.batch;
        return per_batch ? mean * mean : squares;
    }

    const bool per_batch;
    std::vector<std::vector<double>> sums; /* of each layer one for each channel */
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
    }
}

pb_status create_hook(const pb_host *host, const void *chosen, void **self)
{
    return guard(host, [&] { *self = new first_order{host, *static_cast<const options *>(chosen)}; });
}

pb_status observe_hook(void *self, const pb_layer_view *layer)
{
    auto *criterion = static_cast<first_order *>(self);
    return guard(criterion->host, [&] { criterion->observe(*layer); });
}

pb_status score_hook(void *self, const pb_layer_view *layer, double *scores)
{
    const auto *criterion = static_cast<const first_order *>(self);
    return guard(criterion->host, [&] { criterion->score(*layer, scores); });
}

void destroy_hook(void *self)
{
    delete static_cast<first_order *>(self);
}

constexpr pb_criterion make_criterion()
{
    pb_criterion criterion{};
    criterion.size = sizeof criterion;
    criterion.needs = PB_DATA_GATE_GRADIENTS;
    criterion.coupling = PB_COUPLE_SUM;
    criterion.normalise = PB_NORMALISE_NONE;
    criterion.scope = PB_SCOPE_GLOBAL;
    criterion.create = create_hook;
    criterion.observe = observe_hook;
    criterion.score = score_hook;
    criterion.destroy = destroy_hook;
    return criterion;
}
constexpr pb_criterion criterion = make_criterion();

constexpr const char *pers[] = {"example", "batch", nullptr};
constexpr pb_option option_table[] = {
    /* name, help, type, unit, default, min, max, choices, offset */
    {"per", "what is squared: the change of each example's loss, or that of a batch's mean loss", PB_OPTION_ENUM,
     nullptr, "example", 0, 0, pers, offsetof(options, per)},
};

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_CRITERION);
    plugin.name = "first-order";
    plugin.summary = "squared first-order change of the loss without a channel";
    plugin.version = "1.0.0";
    plugin.reference = "P. Molchanov et al., Importance Estimation for Neural Network Pruning, 2019, arXiv:1906.10771";
    plugin.options = option_table;
    plugin.option_count = std::size(option_table);
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
