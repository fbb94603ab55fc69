/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify(7) on an overlay: watches set before an object is copied up go on afterwards. */
#include "overlay.h"
#include "inotify.h"

int main(void)
{
    int in = inotify_init1(IN_NONBLOCK), fd;

    enter_layers(NULL);
    make_dir("lower"), make_dir("lower/d"), make_dir("upper"), make_dir("work"), make_dir("m");
    make_file("lower/d/f", "text"), make_file("lower/d/g", "text"), make_file("lower/d/h", "text");
    if (mount("overlay", "m", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work")) {
        perror("overlay");
        return 2;
    }
    SHOW(inotify_add_watch(in, "m/d", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(in, "m/d/f", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(in, "m/d/h", IN_ALL_EVENTS));
    CAUSES(in, close(open("m/d/f", O_RDONLY)));
    CAUSES(in, close(open("m/d/new", O_CREAT | O_WRONLY, 0644)));
    CAUSES(in, fd = open("m/d/f", O_RDWR));
    CAUSES(in, write(fd, "x", 1));
    CAUSES(in, close(fd));
    CAUSES(in, chmod("m/d/g", 0600));
    CAUSES(in, rename("m/d/g", "m/d/gg"));
    CAUSES(in, link("m/d/gg", "m/d/link"));
    CAUSES(in, unlink("m/d/link"));
    CAUSES(in, unlink("m/d/gg"));
    CAUSES(in, unlink("m/d/h"));
    CAUSES(in, truncate("m/d/f", 1));
    CAUSES(in, unlink("m/d/f"));
    CAUSES(in, unlink("m/d/new"));
    CAUSES(in, mkdir("m/d/sub", 0755));
    CAUSES(in, rmdir("m/d/sub"));
    SHOW(inotify_add_watch(in, "m/d", IN_ALL_EVENTS));
    CAUSES(in, rmdir("m/d"));
    close(in);
    SHOW(umount("m"));
    leave_layers();
    return 0;
}
