/* gnuplot.c - see gnuplot.h. */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

/* gnuplot on a script of `folder`, inside it. Returns its exit code, 127 when there is none. */
static int run(const char *folder, const char *script) {
    extern char **environ;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return 126;
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    char *argv[] = {"gnuplot", (char *)script, NULL};
    pid_t child;
    int rc = posix_spawnp(&child, "gnuplot", &actions, NULL, argv, environ), status = 0;
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0) return rc == ENOENT ? 127 : 126;
    if (waitpid(child, &status, 0) < 0) return 126;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

bool rf__gnuplot(const char *folder, const char *script, const char *const *pictures) {
    char name[32], path[4096];
    snprintf(name, sizeof name, "figure-%ld.gp", (long)getpid());
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (rf__file_write(path, script, strlen(script)) != RF_OK) {
        rf__info("%s: no figure, %s", folder, rf_last_error());
        return false;
    }
    int rc = run(folder, name);
    remove(path);
    for (int i = 0; rc != 0 && pictures[i]; i++) {
        snprintf(path, sizeof path, "%s/%s.part", folder, pictures[i]);
        remove(path);
    }
    if (rc != 0) {
        rf__info("%s: no figure, gnuplot %s", folder, rc == 127 ? "is not installed" : "failed");
        return false;
    }
    for (int i = 0; pictures[i]; i++) {
        char part[4096 + 32], whole[4096 + 32];
        snprintf(part, sizeof part, "%s/%s.part", folder, pictures[i]);
        snprintf(whole, sizeof whole, "%s/%s", folder, pictures[i]);
        if (rename(part, whole) != 0) rf__info("%s: %s", whole, strerror(errno));
    }
    return true;
}
