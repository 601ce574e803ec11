/*
 * Dataset "copy-me": ROOT/images.txt lists the images, one a line: "train|test CLASS PATH", path relative to ROOT.
 *
 * 1. Say above what your data set's files look like, and in plugin.reference below where it comes from.
 * 2. Write read(): read the annotations below root, and collect class names and samples (path, label, split,
 *    box where there is one). Do not open image files: the host decodes, crops, resizes and caches them.
 * 3. Let every message of bad data begin with "file:line: ", and say what is wrong and what to do.
 * 4. Use the official split. The host takes its validation images out of the training split itself.
 * 5. Everything that contents points to is yours and lives until close_hook.
 * 6. make && make check; then <dataset plugin="copy-me" root="…"/> in a matrix.
 *
 * <prunebench/dataset.h> says what each member means.
 */
#include <algorithm>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <prunebench/dataset.h>

namespace
{

/* Bad data: its message is the user's. */
struct bad_data : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct row {
    std::string path;
    uint32_t line, label, split;
};

class dataset
{
  public:
    void read(const std::string &root)
    {
        source = root + "/images.txt";
        std::ifstream file(source);
        if (!file)
            throw bad_data(source + ": cannot be opened; is this the data set's folder?");
        std::string text;
        for (uint32_t line = 1; std::getline(file, text); line++) {
            if (!text.empty() && text.back() == '\r')
                text.pop_back();
            if (!text.empty())
                read_line(root, text, line);
        }
        if (file.bad())
            throw std::runtime_error(source + ": cannot be read to its end");
        if (rows.empty())
            throw bad_data(source + ": lists no image");
        finish();
    }

    void fill(pb_dataset_contents &contents) const
    {
        contents.class_count = static_cast<uint32_t>(class_names.size());
        contents.class_names = class_names.data();
        contents.sample_count = static_cast<uint32_t>(samples.size());
        contents.samples = samples.data();
        contents.sample_stride = sizeof(pb_sample);
        contents.crop_bottom = 0;
    }

  private:
    std::string source; /* ROOT/images.txt */
    std::map<std::string, uint32_t> labels; /* of every class, in order of first appearance */
    std::vector<row> rows; /* as they are in the file */
    std::vector<const char *> class_names;
    std::vector<pb_sample> samples; /* training split first */

    /* "train sparrow images/001.jpg"; the path is the rest of the line and may hold blanks. */
    void read_line(const std::string &root, const std::string &text, uint32_t line)
    {
        const std::string place = source + ":" + std::to_string(line) + ": ";
        const size_t first = text.find_first_of(" \t");
        const size_t second = first == std::string::npos ? first : text.find_first_of(" \t", first + 1);
        if (second == std::string::npos || second == first + 1 || second + 1 == text.size())
            throw bad_data(place + "expected three fields: train or test, the class, the path");
        const std::string split = text.substr(0, first), name = text.substr(first + 1, second - first - 1);
        if (split != "train" && split != "test")
            throw bad_data(place + "split '" + split + "' is neither train nor test");
        const uint32_t label = labels.emplace(name, static_cast<uint32_t>(labels.size())).first->second;
        const uint32_t number = split == "train" ? PB_SPLIT_TRAIN : PB_SPLIT_TEST;
        rows.push_back({root + "/" + text.substr(second + 1), line, label, number});
    }

    /* What contents will point to; strings stay where they are from here on. */
    void finish()
    {
        class_names.resize(labels.size());
        for (const auto &entry : labels)
            class_names[entry.second] = entry.first.c_str();
        std::stable_sort(rows.begin(), rows.end(), [](const row &a, const row &b) { return a.split < b.split; });
        for (const row &read : rows) {
            pb_sample sample{};
            sample.path = read.path.c_str();
            sample.source = source.c_str();
            sample.line = read.line;
            sample.label = read.label;
            sample.split = read.split;
            samples.push_back(sample);
        }
    }
};

/* The host is C: no exception may reach it. */
pb_status open_hook(const pb_host *host, const void *, const char *root, void **self, pb_dataset_contents *contents)
{
    try {
        auto opened = std::make_unique<dataset>();
        opened->read(root);
        opened->fill(*contents);
        *self = opened.release();
        return PB_OK;
    } catch (const bad_data &bad) {
        return host->fail(host, PB_ERROR_INPUT, "%s", bad.what());
    } catch (const std::bad_alloc &) {
        return host->fail(host, PB_ERROR_MEMORY, "out of memory");
    } catch (const std::exception &exception) {
        return host->fail(host, PB_ERROR_RUN, "%s", exception.what());
    }
}

void close_hook(void *self)
{
    delete static_cast<dataset *>(self);
}

constexpr pb_dataset make_dataset()
{
    pb_dataset made{};
    made.size = sizeof made;
    made.open = open_hook;
    made.close = close_hook;
    return made;
}
constexpr pb_dataset operations = make_dataset();

constexpr pb_plugin make_plugin()
{
    pb_plugin plugin = pb_plugin_header(PB_KIND_DATASET);
    plugin.name = "copy-me";
    plugin.summary = "images that a list names, one a line";
    plugin.version = "1.0.0";
    plugin.dataset = &operations;
    return plugin;
}
constexpr pb_plugin plugin = make_plugin();

} // namespace

const pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : nullptr;
}
