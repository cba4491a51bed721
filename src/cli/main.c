/* main.c - finds the command named by the first argument and runs it; SIGINT, SIGTERM and SIGHUP (a terminal that is closed) only
 * raise a flag that long loops poll. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "command.h"
#include "profiles.h"

static const rf_command *const commands[] = {
#define X(name) &rf__cmd_##name,
    RF_COMMANDS(X)
#undef X
        NULL};

/* The second Ctrl-C kills at once: SA_RESETHAND puts the default action back. */
static void on_interrupt(int number) {
    (void)number;
    rf__interrupted = 1;
}

static void catch_interrupts(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    /* A closed stdout and a full quota are errors of one write, with a sentence. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void print_help(FILE *stream) {
    fprintf(stream,
            "Usage: strait COMMAND [OPTION...]\nRectified-flow models on CPUs: train, sample, judge.\n\n");
    for (int i = 0; commands[i]; i++) fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fprintf(stream, "\n`strait COMMAND --help` lists the options of a command and ends with examples.\n");
}

static const rf_command *find(const char *name) {
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int unknown(const char *name) {
    fprintf(stderr, "strait: no command '%s'; expected one of", name);
    for (int i = 0; commands[i]; i++) fprintf(stderr, "%s %s", i ? "," : "", commands[i]->name);
    fputc('\n', stderr);
    return RF_EXIT_USAGE;
}

static int help_command(int argc, char **argv) {
    if (argc < 3) {
        print_help(stdout);
        return RF_EXIT_DONE;
    }
    const rf_command *command = find(argv[2]);
    if (!command) return unknown(argv[2]);
    char *arguments[] = {argv[2], (char[]){"--help"}, NULL};
    return command->run(2, arguments);
}

int main(int argc, char **argv) {
    catch_interrupts();
    rf__log_set_level(RF_LOG_INFO);
    if (argc < 2) {
        print_help(stderr);
        return RF_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("strait %s\n", rf_version());
        return RF_EXIT_DONE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help_command(strcmp(name, "help") == 0 ? argc : 2, argv);
    /* stable-diffusion.cpp selects its modes with -M. */
    int shift = 1;
    if ((strcmp(name, "-M") == 0 || strcmp(name, "--mode") == 0) && argc > 2) name = argv[shift = 2];
    const rf_command *command = find(name);
    if (!command) return unknown(name);
    int code = command->run(argc - shift, argv + shift);
    rf__profiles_close();
    if (fflush(stdout) != 0 && code == RF_EXIT_DONE) {
        fprintf(stderr, "strait %s: writing to stdout failed\n", name);
        code = RF_EXIT_FAILED;
    }
    return code;
}
