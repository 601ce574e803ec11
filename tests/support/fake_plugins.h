/* A registry of plugins that do nothing, for tests of what only looks at names and option tables. */
#ifndef PB_TEST_FAKE_PLUGINS_H
#define PB_TEST_FAKE_PLUGINS_H

#include "plugin/registry.h"

/* dataset aircraft, birds, cars; criterion bn-scale, l1-norm, random, taylor (options grad, share); schedule one-shot,
 * iterative, soft (option zero); backend blis, reference. No hook may be called. */
extern const struct pb_registry fake_registry;

#endif
