/* What rules can ask beyond XPath's own functions. */
#ifndef PB_AUDIT_FUNCTIONS_H
#define PB_AUDIT_FUNCTIONS_H

#include <libxml/xpath.h>

#include "base/error.h"

/*
 * Registers, in the namespace of rules:
 *   bytes(text), bits(text)      how many bytes base64 text holds, and how many of their bits are 1; NaN where it is none
 *   used-fallbacks(names, graph) those of a backend's fallback operators that the operators of a network, as a result document holds it,
 *                                call when they infer; with blanks between. One that is fused with the convolution before it may not be
 *                                called. Where there is no graph, "unknown".
 */
PB_MUST_CHECK enum pb_status pb_audit_functions(xmlXPathContext *context, struct pb_error *error);

#endif
