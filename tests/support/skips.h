/* What every test program is linked with: skips that CTest and a reader see, and where the reference data lies.
 * A program of which no case ran to its end, because each was skipped, ends with 77, which CTest calls "Skipped"
 * (skips.c sees to that); where others ran, the skipped ones are in the output, and scripts/test lists them. */
#ifndef QN_TESTS_SUPPORT_SKIPS_H
#define QN_TESTS_SUPPORT_SKIPS_H

#if defined(__GNUC__)
#define SKIPS_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define SKIPS_PRINTF
#endif

/* Ends the running case as skipped, and prints "skipped: CASE: REASON". To be called before the case has allocated
 * anything: a skip leaves by longjmp, and what the case holds is lost. */
_Noreturn void skip_because(const char *format, ...) SKIPS_PRINTF;

/* A path below the reference data: the folder that the environment's QN_SHARED_DIR names, else the one that CMake's
 * QN_SHARED_DIR named. Static storage, good until eight calls later. */
const char *shared_path(const char *format, ...) SKIPS_PRINTF;

/* Skips the running case unless there is a file or a folder of that path. */
void need_path(const char *path);

#undef SKIPS_PRINTF
#endif
