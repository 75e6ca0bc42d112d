/* cmocka counts a skipped case as neither failed nor run, so a program that skipped everything ends with 0 and looks
 * passed. The linker's --wrap (tests/CMakeLists.txt) leads the two functions behind cmocka's macros through here. */
#include "support/skips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77 }; /* SKIP_RETURN_CODE in tests/CMakeLists.txt */

static const char *current_case = "?";
static size_t started_count, skipped_count;

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);
void __real__skip(const char *file, int line);
void __wrap__skip(const char *file, int line);

/* cmocka hands a case either the state that the group's setup made or the case's own. Here it gets its own, which says
 * which case begins, so the group's is kept back. */
static CMFixtureFunction group_setup, group_teardown;
static void *group_state;

static int set_group_up(void **state) {
    (void)state;
    return group_setup(&group_state);
}

static int tear_group_down(void **state) {
    (void)state;
    return group_teardown(&group_state);
}

/* Stands before the setup of every case. */
static int begin_case(void **state) {
    const struct CMUnitTest *original = *state;
    started_count++;
    current_case = original->name;
    *state = group_state ? group_state : original->initial_state;
    return original->setup_func ? original->setup_func(state) : 0;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown) {
    struct CMUnitTest *counted = calloc(count + 1, sizeof *counted);
    if (!counted) return 1;
    for (size_t i = 0; i < count; i++) {
        counted[i] = tests[i];
        counted[i].setup_func = begin_case;
        counted[i].initial_state = (void *)(uintptr_t)&tests[i];
    }
    group_setup = setup, group_teardown = teardown, group_state = NULL;
    started_count = skipped_count = 0;
    int failed = __real__cmocka_run_group_tests(name, counted, count, setup ? set_group_up : NULL,
                                                teardown ? tear_group_down : NULL);
    free(counted);
    return !failed && started_count > 0 && skipped_count == started_count ? SKIPPED : failed;
}

void __wrap__skip(const char *file, int line) {
    skipped_count++;
    __real__skip(file, line);
}

void skip_because(const char *format, ...) {
    char reason[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    print_message("skipped: %s: %s\n", current_case, reason);
    skip();
    abort(); /* skip() has left by longjmp */
}

const char *shared_path(const char *format, ...) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    const char *folder = getenv("QN_SHARED_DIR");
    int length = snprintf(path, sizeof paths[0], "%s/", folder && *folder ? folder : QN_SHARED_DIR);
    va_list args;
    va_start(args, format);
    if (length < (int)sizeof paths[0]) vsnprintf(path + length, sizeof paths[0] - (size_t)length, format, args);
    va_end(args);
    return path;
}

void need_path(const char *path) {
    if (access(path, R_OK)) skip_because("needs %s", path);
}
