/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding files by name: programs as a shell finds them, and the kernel image.
 */
#ifndef ARIL_FIND_H
#define ARIL_FIND_H

/*
 * Finds program `name` as a shell does: a name with a slash is a path, any other is looked for in
 * $PATH. Returns 0 and the path (malloc'ed, maybe relative), or a negative errno: -ENOENT when
 * there is none, -EACCES when the first file found may not be executed or read, -EISDIR when it is
 * a directory, or what else stat() said.
 */
int find_program(const char *name, char **path);

/*
 * The absolute path of `path`, without "." and ".." and doubled slashes; malloc'ed. The last
 * component may be a symbolic link and stays as it is. `base` is the absolute directory that a
 * relative path starts from. No file needs to exist.
 */
char *absolute_path(const char *base, const char *path);

/*
 * The kernel image to boot when --kernel does not name one: aril.elf beside this executable, or in
 * ../lib/aril. malloc'ed. Ends the command with a message if there is none.
 */
char *find_kernel(void);

/* The current directory's path; malloc'ed. Ends the command with a message if it has none. */
char *current_directory(void);

#endif
