/* Writing files so that nothing is left behind by failures or signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"

#include "base/text.h"
#include "support/skips.h"

/* ---- A file system to order ---- */

static int folder_flushes, refuse_links;

/* Stand before those of the C library: the calls of the library under test come here. */
int fsync(int descriptor) {
    struct stat info;
    if (!fstat(descriptor, &info) && S_ISDIR(info.st_mode)) folder_flushes++;
    return (int)syscall(SYS_fsync, descriptor);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (refuse_links) return errno = EPERM, -1; /* as without /proc, or on file systems without links */
    return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

static int make_folder_without_links(void **state) {
    refuse_links = 1;
    return make_folder(state);
}

static int remove_folder_without_links(void **state) {
    refuse_links = 0;
    return remove_folder(state);
}

static mode_t mode_of(const char *path) {
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return info.st_mode;
}

/* ---- Writing ---- */

static void test_a_file_is_replaced_at_once(void **state) {
    (void)state;
    const char *path = in_folder("twice");
    assert_null(qn_file_write_atomic(path, "first and longer", 16));
    qn_file_map map;
    assert_null(qn_file_map_open(path, &map));
    assert_null(qn_file_write_atomic(path, "second", 6));
    assert_memory_equal(map.bytes.data, "first and longer", 16); /* who has it open keeps the old one */
    qn_file_map_close(&map);
    expect_contents(path, "second", 6);
    assert_int_equal(count_entries(), 1);
}

static void test_new_files_follow_the_umask(void **state) {
    (void)state;
    struct stat info;
    mode_t kept = umask(027);
    assert_null(qn_file_write_atomic(in_folder("mode"), "x", 1));
    umask(kept);
    assert_int_equal(stat(in_folder("mode"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void test_a_missing_folder_is_an_error_and_stays_missing(void **state) {
    (void)state;
    expect_failure(qn_file_write_atomic(in_folder("nowhere/file"), "x", 1), QN_IO, "nowhere/file");
    assert_int_equal(count_entries(), 0);
    expect_failure(qn_file_write_atomic("", "x", 1), QN_IO, "");
}

static void test_a_folder_in_place_of_the_file_is_left_alone(void **state) {
    (void)state;
    const char *path = in_folder("folder");
    struct stat info;
    assert_int_equal(mkdir(path, 0700), 0);
    expect_failure(qn_file_write_atomic(path, "x", 1), QN_IO, "folder");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
}

static void test_a_file_in_place_of_a_folder_is_an_error(void **state) {
    (void)state;
    assert_null(qn_file_write_atomic(in_folder("file"), "x", 1));
    expect_failure(qn_file_write_atomic(in_folder("file/below"), "y", 1), QN_IO, "file/below");
    assert_int_equal(count_entries(), 1);
}

/* A device or pipe must not be replaced by a file: as root, renaming over /dev/null would succeed. */
static void test_what_is_no_regular_file_is_never_replaced(void **state) {
    (void)state;
    const char *path = in_folder("pipe");
    struct stat info;
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_failure(qn_file_write_atomic(path, "x", 1), QN_IO, "regular file");
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(count_entries(), 1);
}

/* The name of an open descriptor stands for where it has come to: neither a new file nor the beginning of an old one. */
static void test_an_open_descriptor_is_written_as_it_stands(void **state) {
    (void)state;
    const char *path = in_folder("log");
    char name[48], text[16] = {0};
    FILE *log = fopen(path, "wb");
    assert_non_null(log);
    fputs("one ", log);
    fflush(log);
    snprintf(name, sizeof name, "/dev/fd/%d", fileno(log));
    assert_null(qn_file_check_writable(name));
    assert_null(qn_file_write_atomic(name, "two ", 4));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fileno(log));
    assert_null(qn_file_write_atomic(name, "three", 5));
    fclose(log);
    expect_contents(path, "one two three", 13);
    assert_int_equal(count_entries(), 1);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    assert_null(qn_file_write_atomic(name, "piped", 5));
    assert_int_equal(read(ends[0], text, sizeof text), 5);
    assert_string_equal(text, "piped");
    close(ends[0]);
    close(ends[1]);
    expect_failure(qn_file_write_atomic(name, "x", 1), QN_IO, "cannot write");
    expect_failure(qn_file_write_atomic("/dev/fd/99x", "x", 1), QN_IO, "/dev/fd/99x");
}

static void test_the_paths_of_open_descriptors_are_known(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int descriptor;
    } rows[] = {{"/dev/stdin", 0},
                {"/dev/stdout", 1},
                {"/dev/stderr", 2},
                {"/dev/fd/0", 0},
                {"/dev/fd/72", 72},
                {"/proc/self/fd/7", 7},
                {"/dev/fd/", -1},
                {"/dev/fd/-1", -1},
                {"/dev/fd/7x", -1},
                {"/dev/fd/99999999999", -1},
                {"/proc/self/fd/x", -1},
                {"/dev/stdout2", -1},
                {"/dev/fd/ 7", -1},
                {"dev/fd/7", -1},
                {"-", -1},
                {"", -1},
                {"/dev/fd/7/../8", -1}};
    assert_int_equal(qn_file_descriptor(NULL), -1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (qn_file_descriptor(rows[i].path) != rows[i].descriptor)
            fail_msg("'%s' is %d", rows[i].path, qn_file_descriptor(rows[i].path));
}

/* As servers leave their pipes. The child reads late, and answers how much there was. */
static void test_a_pipe_that_does_not_wait_is_waited_for(void **state) {
    (void)state;
    enum { BYTES = 300000 };
    char name[48], *data = calloc(1, BYTES);
    int ends[2], exit_status = 0;
    assert_non_null(data);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    const pid_t child = fork();
    if (!child) {
        size_t total = 0;
        close(ends[1]);
        usleep(100000);
        for (ssize_t got; (got = read(ends[0], data, BYTES)) > 0;) total += (size_t)got;
        _exit(total != BYTES);
    }
    close(ends[0]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    assert_null(qn_file_write_atomic(name, data, BYTES));
    close(ends[1]);
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    free(data);
}

static void test_a_read_only_folder_is_an_error(void **state) {
    (void)state;
    if (geteuid() == 0) skip_because("needs a user other than root");
    assert_int_equal(chmod(folder, 0500), 0);
    qn_status *status = qn_file_write_atomic(in_folder("file"), "x", 1);
    chmod(folder, 0700);
    expect_failure(status, QN_IO, "file");
    assert_int_equal(count_entries(), 0);
}

/* The limit on file sizes stands for a full disk: the write stops in the middle. Its signal, which nobody here ignores,
   would end the test. */
static void test_a_write_that_stops_in_the_middle_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = in_folder("full");
    char *data = calloc(1, 200000);
    struct rlimit kept, limit;
    assert_null(qn_file_write_atomic(path, "old", 3));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    limit = kept;
    limit.rlim_cur = 65536;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    qn_status *status = qn_file_write_atomic(path, data, 200000);
    setrlimit(RLIMIT_FSIZE, &kept);
    expect_failure(status, QN_IO, "full");
    expect_contents(path, "old", 3);
    assert_int_equal(count_entries(), 1);
    free(data);
}

/* ---- Permissions ---- */

static void test_a_replaced_file_keeps_its_permissions(void **state) {
    (void)state;
    static const mode_t modes[] = {0600, 0640, 0644, 0444, 0666, 0777, 0400};
    const mode_t kept = umask(0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const char *path = in_folder("kept");
        umask(i % 2 ? 0 : 077);
        assert_null(qn_file_write_atomic(path, "x", 1));
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_null(qn_file_write_atomic(path, "yy", 2));
        assert_int_equal(mode_of(path), S_IFREG | modes[i]);
    }
    umask(kept);
}

static void test_set_user_id_bits_go_as_with_any_write(void **state) {
    (void)state;
    const char *path = in_folder("setuid");
    assert_null(qn_file_write_atomic(path, "x", 1));
    assert_int_equal(chmod(path, 06755), 0);
    assert_null(qn_file_write_atomic(path, "y", 1));
    assert_int_equal(mode_of(path), S_IFREG | 0755);
}

static void test_owner_and_group_stay_where_they_can_be_given(void **state) {
    (void)state;
    struct stat info;
    const char *path = in_folder("owned");
    if (geteuid() != 0) skip_because("needs root");
    assert_null(qn_file_write_atomic(path, "x", 1));
    assert_int_equal(chown(path, 1234, 2345), 0);
    assert_int_equal(chmod(path, 0660), 0);
    assert_null(qn_file_write_atomic(path, "y", 1));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 1234);
    assert_int_equal(info.st_gid, 2345);
    assert_int_equal(info.st_mode & 07777, 0660);
}

/* A user who may not give the file its group must not open it to a group that could not read it. */
static void test_another_group_gets_no_more_than_others(void **state) {
    (void)state;
    const char *path = in_folder("group");
    if (geteuid() != 0) skip_because("needs root");
    assert_null(qn_file_write_atomic(path, "x", 1));
    assert_int_equal(chown(path, 1234, 2345), 0);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    const pid_t child = fork();
    if (!child) {
        if (setgid(3456) || setuid(1234)) _exit(2);
        _exit(qn_file_write_atomic(path, "y", 1) != NULL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(mode_of(path), S_IFREG | 0644);
}

/* Owner rw, user 1234 r, group nothing, mask r, others nothing: without the list, the mask would be the group's
 * permission. */
static void test_an_access_list_stays(void **state) {
    (void)state;
    static const char name[] = "system.posix_acl_access";
    static const struct {
        uint32_t version;
        struct {
            uint16_t tag, permissions;
            uint32_t id;
        } entries[5];
    } list = {2, {{1, 6, UINT32_MAX}, {2, 4, 1234}, {4, 0, UINT32_MAX}, {16, 4, UINT32_MAX}, {32, 0, UINT32_MAX}}};
    char found[256];
    const char *path = in_folder("listed");
    assert_null(qn_file_write_atomic(path, "x", 1));
    if (setxattr(path, name, &list, sizeof list, 0))
        skip_because("the file system keeps no access lists: %s", strerror(errno));
    assert_null(qn_file_write_atomic(path, "y", 1));
    assert_int_equal(getxattr(path, name, found, sizeof found), sizeof list);
    assert_memory_equal(found, &list, sizeof list);
    assert_int_equal(mode_of(path), S_IFREG | 0640);
}

/* ---- Links ---- */

static void test_a_link_stays_and_its_file_is_replaced(void **state) {
    (void)state;
    char target[700];
    assert_int_equal(mkdir(in_folder("deep"), 0700), 0);
    snprintf(target, sizeof target, "%s", in_folder("deep/file"));
    assert_null(qn_file_write_atomic(target, "old", 3));
    assert_int_equal(chmod(target, 0600), 0);
    const char *const ends[] = {"deep/file", target, "deep/../deep/file"};
    for (size_t i = 0; i < 3; i++) {
        const char *path = in_folder("link");
        assert_int_equal(symlink(ends[i], path), 0);
        assert_null(qn_file_write_atomic(path, ends[i], strlen(ends[i])));
        assert_true(S_ISLNK(mode_of(path)));
        expect_contents(target, ends[i], strlen(ends[i]));
        assert_int_equal(mode_of(target), S_IFREG | 0600);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(unlink(target), 0); /* and nothing else is in there */
    assert_int_equal(rmdir(in_folder("deep")), 0);
}

static void test_a_link_to_a_link_to_nothing_makes_the_file(void **state) {
    (void)state;
    char target[700];
    snprintf(target, sizeof target, "%s", in_folder("missing"));
    assert_int_equal(symlink("missing", in_folder("second")), 0);
    assert_int_equal(symlink("second", in_folder("first")), 0);
    assert_null(qn_file_check_writable(in_folder("first")));
    assert_int_equal(count_entries(), 2);
    assert_null(qn_file_write_atomic(in_folder("first"), "x", 1));
    assert_true(S_ISLNK(mode_of(in_folder("first"))));
    assert_true(S_ISLNK(mode_of(in_folder("second"))));
    expect_contents(target, "x", 1);
    assert_int_equal(count_entries(), 3);
}

static void test_links_that_lead_nowhere_are_errors_and_stay(void **state) {
    (void)state;
    char *target;
    assert_int_equal(symlink("b", in_folder("a")), 0);
    assert_int_equal(symlink("a", in_folder("b")), 0);
    assert_int_equal(symlink("self", in_folder("self")), 0);
    assert_int_equal(symlink("nowhere/file", in_folder("gone")), 0);
    static const char *const names[] = {"a", "b", "self", "gone"};
    for (size_t i = 0; i < 4; i++) {
        expect_failure(qn_file_write_atomic(in_folder(names[i]), "x", 1), QN_IO, names[i]);
        expect_failure(qn_file_check_writable(in_folder(names[i])), QN_IO, names[i]);
    }
    expect_failure(qn_file_find_target(in_folder("a"), &target), QN_IO, "a");
    assert_int_equal(count_entries(), 4);
}

static void test_a_link_to_a_device_or_folder_is_an_error(void **state) {
    (void)state;
    assert_int_equal(symlink("/dev/null", in_folder("device")), 0);
    assert_int_equal(symlink(".", in_folder("here")), 0);
    expect_failure(qn_file_write_atomic(in_folder("device"), "x", 1), QN_IO, "device");
    expect_failure(qn_file_write_atomic(in_folder("here"), "x", 1), QN_IO, "here");
    assert_true(S_ISCHR(mode_of("/dev/null")));
    assert_int_equal(count_entries(), 2);
}

static void test_hard_links_keep_the_former_contents(void **state) {
    (void)state;
    char other[700];
    snprintf(other, sizeof other, "%s", in_folder("other"));
    assert_null(qn_file_write_atomic(in_folder("one"), "old", 3));
    assert_int_equal(link(in_folder("one"), other), 0);
    assert_null(qn_file_write_atomic(in_folder("one"), "new", 3));
    expect_contents(other, "old", 3);
    expect_contents(in_folder("one"), "new", 3);
}

/* ---- Names, folders ---- */

static void test_the_longest_names_can_be_written_twice(void **state) {
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = 0;
    assert_null(qn_file_write_atomic(in_folder(name), "x", 1));
    assert_null(qn_file_write_atomic(in_folder(name), "y", 1));
    assert_null(qn_file_check_writable(in_folder(name)));
    expect_contents(in_folder(name), "y", 1);
    assert_int_equal(count_entries(), 1);
    char longer[257];
    snprintf(longer, sizeof longer, "%sn", name);
    expect_failure(qn_file_write_atomic(in_folder(longer), "y", 1), QN_IO, "cannot create");
    expect_failure(qn_file_check_writable(in_folder(longer)), QN_IO, "cannot create");
}

static void test_the_folder_is_flushed_too(void **state) {
    (void)state;
    const int before = folder_flushes;
    assert_null(qn_file_write_atomic(in_folder("new"), "x", 1));
    assert_int_equal(folder_flushes, before + 1);
    assert_null(qn_file_write_atomic(in_folder("new"), "y", 1));
    assert_int_equal(folder_flushes, before + 2);
}

static void test_whether_a_file_can_be_written_is_found_out_without_a_trace(void **state) {
    (void)state;
    assert_null(qn_file_check_writable(in_folder("new")));
    assert_int_equal(count_entries(), 0);
    expect_failure(qn_file_check_writable(in_folder("nowhere/new")), QN_IO, "nowhere/new");
    expect_failure(qn_file_check_writable(folder), QN_IO, "a folder is there");
    expect_failure(qn_file_check_writable(""), QN_IO, "cannot create");
    assert_int_equal(count_entries(), 0);
}

/* ---- Signals ---- */

static void test_the_signal_mask_is_as_before(void **state) {
    (void)state;
    sigset_t before, after, waiting;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_null(qn_file_write_atomic(in_folder("file"), "x", 1));
    assert_null(qn_file_write_atomic(in_folder("file"), "y", 1));
    assert_null(qn_file_check_writable(in_folder("file")));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    sigpending(&waiting);
    for (int s = 1; s < SIGRTMIN; s++) {
        assert_int_equal(sigismember(&before, s), sigismember(&after, s));
        assert_int_equal(sigismember(&waiting, s), 0);
    }
}

/* Replaces a file and makes others, for ever. */
static _Noreturn void write_for_ever(void) {
    static char data[1 << 16];
    for (unsigned i = 0;; i++) {
        char name[32];
        memset(data, (int)('a' + i % 26), sizeof data);
        snprintf(name, sizeof name, i % 2 ? "replaced" : "new-%u", i);
        if (qn_file_write_atomic(in_folder(name), data, sizeof data)) _exit(9);
        if (i % 2 == 0 && unlink(in_folder(name))) _exit(9);
    }
}

/* Whole files only, under names of the caller's. */
static void expect_whole_files(uint64_t seed) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        qn_file_map map;
        if (*entry->d_name == '.') continue;
        if (strstr(entry->d_name, "tmp")) fail_msg("seed %llu: %s is left", (unsigned long long)seed, entry->d_name);
        assert_null(qn_file_map_open(in_folder(entry->d_name), &map));
        assert_int_equal(map.bytes.size, 1 << 16);
        for (size_t i = 1; i < map.bytes.size; i++) assert_int_equal(map.bytes.data[i], map.bytes.data[0]);
        qn_file_map_close(&map);
    }
    closedir(dir);
}

static void test_signals_at_random_moments_leave_whole_files_only(void **state) {
    (void)state;
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGALRM,  SIGTERM,
                                  SIGXCPU, SIGXFSZ, SIGUSR1, SIGUSR2, SIGVTALRM};
    enum { KILLS = 120, SIGNAL_COUNT = sizeof signals / sizeof *signals };
    const char *given = getenv("QN_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    qn_rng rng;
    print_message("QN_SEED=%llu\n", (unsigned long long)seed);
    qn_rng_init(&rng, seed);
    for (int i = 0; i < KILLS; i++) {
        const int signal = signals[i % SIGNAL_COUNT];
        const struct rlimit no_core = {0, 0};
        const pid_t child = fork();
        if (!child) {
            setrlimit(RLIMIT_CORE, &no_core);
            write_for_ever();
        }
        usleep((useconds_t)qn_rng_range(&rng, 500, 20000));
        assert_int_equal(kill(child, signal), 0);
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result));
        assert_int_equal(WTERMSIG(result), signal);
        expect_whole_files(seed);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
/* On a file system where every file has a name from the start. */
#define CASE_WITHOUT_LINKS(test)                                                                                       \
    { #test "_without_links", test, make_folder_without_links, remove_folder_without_links, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_file_is_replaced_at_once),
        CASE(test_new_files_follow_the_umask),
        CASE(test_a_missing_folder_is_an_error_and_stays_missing),
        CASE(test_a_folder_in_place_of_the_file_is_left_alone),
        CASE(test_a_file_in_place_of_a_folder_is_an_error),
        CASE(test_what_is_no_regular_file_is_never_replaced),
        cmocka_unit_test(test_the_paths_of_open_descriptors_are_known),
        CASE(test_an_open_descriptor_is_written_as_it_stands),
        CASE(test_a_pipe_that_does_not_wait_is_waited_for),
        CASE(test_a_read_only_folder_is_an_error),
        CASE(test_a_write_that_stops_in_the_middle_leaves_the_old_file),
        CASE(test_a_replaced_file_keeps_its_permissions),
        CASE(test_set_user_id_bits_go_as_with_any_write),
        CASE(test_owner_and_group_stay_where_they_can_be_given),
        CASE(test_an_access_list_stays),
        CASE(test_another_group_gets_no_more_than_others),
        CASE(test_a_link_stays_and_its_file_is_replaced),
        CASE(test_a_link_to_a_link_to_nothing_makes_the_file),
        CASE(test_links_that_lead_nowhere_are_errors_and_stay),
        CASE(test_a_link_to_a_device_or_folder_is_an_error),
        CASE(test_hard_links_keep_the_former_contents),
        CASE(test_the_longest_names_can_be_written_twice),
        CASE(test_the_folder_is_flushed_too),
        CASE(test_whether_a_file_can_be_written_is_found_out_without_a_trace),
        CASE(test_the_signal_mask_is_as_before),
        CASE(test_signals_at_random_moments_leave_whole_files_only),
        CASE_WITHOUT_LINKS(test_a_file_is_replaced_at_once),
        CASE_WITHOUT_LINKS(test_new_files_follow_the_umask),
        CASE_WITHOUT_LINKS(test_a_write_that_stops_in_the_middle_leaves_the_old_file),
        CASE_WITHOUT_LINKS(test_a_missing_folder_is_an_error_and_stays_missing),
        CASE_WITHOUT_LINKS(test_a_replaced_file_keeps_its_permissions),
        CASE_WITHOUT_LINKS(test_a_link_stays_and_its_file_is_replaced),
        CASE_WITHOUT_LINKS(test_a_link_to_a_link_to_nothing_makes_the_file),
        CASE_WITHOUT_LINKS(test_the_longest_names_can_be_written_twice),
        CASE_WITHOUT_LINKS(test_the_folder_is_flushed_too),
        CASE_WITHOUT_LINKS(test_the_signal_mask_is_as_before),
        CASE_WITHOUT_LINKS(test_signals_at_random_moments_leave_whole_files_only),
    };
    return cmocka_run_group_tests_name("base/file_write", tests, NULL, NULL);
}
