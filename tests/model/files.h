/* files.h - compiled files in memory, for tests that forge them. */
#ifndef TESTS_MODEL_FILES_H
#define TESTS_MODEL_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "programs.h"
#include "sections.h"

/* In aligned memory of exactly its size; free(data). */
typedef struct file {
    uint8_t *data;
    size_t size;
} file;

void assert_ok(qn_status *status);

/* A copy of some bytes as a file. */
file file_copy(const uint8_t *data, size_t size);
file write_program(const qn_program *program);
file write_made(const qn_program *(*make)(maker *, int), int ceiling);

/* Makes the checksum right, and only that. */
void sign(file f);
/* Where a section begins, as the file's table says. */
uint8_t *section(file f, qn_section which);

qn_code try_read(file f);
/* The file is refused with a message that contains `text`. */
void expect_refused(file f, const char *text);

#endif
