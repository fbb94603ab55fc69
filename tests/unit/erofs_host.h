/* SPDX-License-Identifier: BSD-2-Clause */
/* An EROFS image in a file of the host: mapped privately, or through read functions when memory is set to NULL. */
#ifndef TESTS_UNIT_EROFS_HOST_H
#define TESTS_UNIT_EROFS_HOST_H

#include "fs/erofs/image.h"

struct erofs_source host_image(const char *path);
void host_image_done(void);

#endif
