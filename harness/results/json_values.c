/* Values of JSON that jansson does not take as they are. */
#include "results/json_values.h"

#include <math.h>

#include "base/memory.h"

json_t *pb_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *pb_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *whole = json_string(text);
    char *copy = whole ? NULL : pb_strdup(text);
    for (char *c = copy; c && *c; c++)
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    if (copy)
        whole = json_string(copy);
    pb_free(copy);
    return whole;
}
