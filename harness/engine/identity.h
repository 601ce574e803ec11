/* What decides how fast an opened backend computes here: figures that were measured under another identity are not its own. */
#ifndef PB_ENGINE_IDENTITY_H
#define PB_ENGINE_IDENTITY_H

#include "base/text.h"
#include "engine/device.h"

/* The machine: processor, instruction sets, how many processors; and the program's engine (pb_numerics). */
void pb_machine_identity(struct pb_text *text);
/* The same, the kernel set, the backend plugin with its options, and the threads that it may use. */
void pb_device_identity(const struct pb_device *device, const struct pb_options *options, struct pb_text *text);

#endif
