#include "base/version.h"

const char pb_version[] = PB_VERSION;
const char pb_git[] = PB_GIT;
const char pb_numerics[] = PB_NUMERICS;
