/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries, breadth first from the program as the dynamic linker loads them: a name that one object has brought
 * in serves all that follow.
 */
#include "tools/libraries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/library_path.h"
#include "tools/message.h"

/* One thing that the linker has in memory, by the order in which it comes there. */
struct object {
    char *name; /* by which it was asked for; the program's path */
    char *path; /* where it was found */
    char *real; /* the same without symbolic links */
    struct elf_needs needs;
    size_t loader; /* index of the object that wanted it first */
};

struct load {
    struct tree *tree;
    enum linker linker;
    struct object *objects;
    size_t count;
};

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return format_string("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static void add_object(struct load *load, const char *name, const char *path, char *real, size_t loader)
{
    struct object *object;

    load->objects = reallocate(load->objects, (load->count + 1) * sizeof(*load->objects));
    object = &load->objects[load->count++];
    *object = (struct object){
        .name = duplicate(name), .path = duplicate(path), .real = real, .loader = loader};
    elf_read(real, &object->needs);
}

/* Loads the library `path`, if it is one: the linker passes others over. */
static bool try_file(struct load *load, const char *path, const char *name, size_t loader)
{
    struct elf_needs needs;
    bool fits = elf_read(path, &needs) == ELF_PLAIN;
    char *real = fits ? tree_add(load->tree, path) : NULL;

    elf_release(&needs);
    if (real)
        add_object(load, name, path, real, loader);
    return real;
}

/* Adds `name` of `directory`, in the variants for newer processors as well: which one is used is for the VM to say. */
static bool try_directory(struct load *load, const char *directory, const char *name, size_t loader)
{
    static const char *const variants[] = {"", "glibc-hwcaps/x86-64-v4/", "glibc-hwcaps/x86-64-v3/",
                                           "glibc-hwcaps/x86-64-v2/"};
    bool found = false;

    for (size_t i = 0; i < (load->linker == LINKER_GLIBC ? 4 : 1); i++) {
        char *path = format_string("%s/%s%s", directory, variants[i], name);

        found |= try_file(load, path, name, loader);
        free(path);
    }
    return found;
}

/* The directories of an object's own list; $ORIGIN is where it was found, and where it really lies. */
static void add_own(struct strings *where, const struct object *object, const char *list)
{
    char *found = directory_of(object->path), *real = directory_of(object->real);

    library_path_split(where, list, found);
    if (strcmp(found, real) != 0 && list && strchr(list, '$'))
        library_path_split(where, list, real);
    free(found);
    free(real);
}

/* All directories for what object `index` needs, in order; the strings are malloc'ed. */
static struct strings search_order(const struct load *load, size_t index)
{
    const struct object *object = &load->objects[index];
    const struct strings *everywhere = library_path(load->linker);
    const char *variable = getenv("LD_LIBRARY_PATH");
    struct strings where = {0};

    if (load->linker == LINKER_MUSL && variable)
        library_path_split(&where, variable, "/");
    if (!object->needs.runpath || load->linker == LINKER_MUSL) {
        for (size_t i = index;; i = load->objects[i].loader) {
            const struct elf_needs *needs = &load->objects[i].needs;

            add_own(&where, &load->objects[i], needs->rpath);
            if (load->linker == LINKER_MUSL)
                add_own(&where, &load->objects[i], needs->runpath);
            if (i == load->objects[i].loader)
                break;
        }
    }
    if (load->linker == LINKER_GLIBC) {
        if (variable)
            library_path_split(&where, variable, "/");
        add_own(&where, object, object->needs.runpath);
    }
    for (size_t i = 0; i < everywhere->count; i++)
        strings_add(&where, duplicate(everywhere->items[i]));
    return where;
}

static bool is_loaded(const struct load *load, const char *name)
{
    for (size_t i = 0; i < load->count; i++) {
        const struct object *object = &load->objects[i];

        if ((i > 0 && strcmp(object->name, name) == 0) ||
            (object->needs.soname && strcmp(object->needs.soname, name) == 0))
            return true;
    }
    return false;
}

/* What musl's linker answers for itself, under any of the names that glibc's libraries have. */
static bool is_musl_itself(const char *name)
{
    static const char *const parts[] = {"c", "pthread", "rt", "m", "dl", "util", "xnet"};
    size_t length;

    if (strncmp(name, "lib", 3) != 0)
        return false;
    length = strcspn(name + 3, ".");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strlen(parts[i]) == length && strncmp(parts[i], name + 3, length) == 0)
            return true;
    return false;
}

/* "A, B, C" */
static char *join(const struct strings *strings)
{
    char *text = duplicate("");

    for (size_t i = 0; i < strings->count; i++) {
        char *longer = format_string("%s%s%s", text, i ? ", " : "", strings->items[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Adds the library `name`, which object `index` needs. Missing, it ends the command or, if optional, is left out. */
static void add_library(struct load *load, size_t index, const char *name, bool optional)
{
    bool found = is_loaded(load, name) || (load->linker == LINKER_MUSL && is_musl_itself(name));
    struct strings where = {0};

    if (!found && strchr(name, '/')) {
        found = try_file(load, name, name, index);
        if (!found)
            strings_add(&where, duplicate("that place"));
    } else if (!found) {
        where = search_order(load, index);
        for (size_t i = 0; i < where.count && !found; i++)
            found = try_directory(load, where.items[i], name, index);
    }
    if (!found && !optional)
        die(STATUS_FAILED, "%s needs the library %s, which is not here; looked in %s",
            load->objects[index].real, name, join(&where));
    for (size_t i = 0; i < where.count; i++)
        free(where.items[i]);
    free(where.items);
}

/* The modules that nsswitch.conf(5) names: words behind the colon, but for "[NOTFOUND=return]". */
static void add_name_services(struct load *load)
{
    FILE *stream = fopen("/etc/nsswitch.conf", "re");
    char *line = NULL;
    size_t room = 0;

    while (stream && getline(&line, &room, stream) >= 0) {
        char *rest = strchr(line, ':'), *word;

        line[strcspn(line, "#\n")] = '\0';
        while (rest && (word = strtok_r(rest, ": \t", &rest)) != NULL) {
            char *name = format_string("libnss_%s.so.2", word);

            if (*word != '[')
                add_library(load, 0, name, true);
            free(name);
        }
    }
    free(line);
    if (stream)
        fclose(stream);
}

static void add_needs(struct load *load, size_t from)
{
    for (size_t i = from; i < load->count; i++)
        for (size_t k = 0; k < load->objects[i].needs.names.count; k++)
            add_library(load, i, load->objects[i].needs.names.items[k], false);
}

void libraries_add(struct tree *tree, const char *path, const struct elf_needs *needs)
{
    struct load load = {.tree = tree};
    const struct strings *files;
    char *interpreter;

    if (!needs->interpreter)
        return;
    interpreter = tree_add(tree, needs->interpreter);
    if (!interpreter)
        die(STATUS_FAILED, "%s needs the dynamic linker %s, which is not here", path, needs->interpreter);
    free(interpreter);
    load.linker = linker_of(needs->interpreter);
    add_object(&load, path, path, duplicate(path), 0);
    add_needs(&load, 0);
    if (load.linker == LINKER_GLIBC && load.count > 1) {
        size_t loaded = load.count;

        add_name_services(&load);
        add_library(&load, 0, "libgcc_s.so.1", true);
        add_needs(&load, loaded);
    }
    files = library_path_files(load.linker);
    for (size_t i = 0; i < files->count; i++)
        tree_add_if_there(tree, files->items[i]);
    for (size_t i = 0; i < load.count; i++) {
        elf_release(&load.objects[i].needs);
        free(load.objects[i].name);
        free(load.objects[i].path);
        free(load.objects[i].real);
    }
    free(load.objects);
}
