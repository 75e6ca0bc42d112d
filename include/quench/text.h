/* quench/text.h - showing text of unknown origin.
 *
 * Names in model files, paths, and so the messages of a status hold whatever bytes somebody put there: also those that
 * make a terminal change its title, its colours or what is on it already. quench passes them on as they are; whoever
 * shows them to people makes them harmless first, as the program `quench` does with everything that it prints:
 *
 *     char text[1024];
 *     const char *message = qn_status_message(status);
 *     qn_text_escape(message, strlen(message), QN_TEXT_LINE, text, sizeof text);
 *     fprintf(stderr, "%s\n", text);
 *
 * Threads: any.
 */
#ifndef QUENCH_TEXT_H
#define QUENCH_TEXT_H

#include "quench/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qn_text_style {
    QN_TEXT_LINE = 0,  /* a part of a line: \n, \t, \x1b, \u202e */
    QN_TEXT_LINES = 1, /* the same, but line ends and tabs stay */
    QN_TEXT_JSON = 2   /* text that is JSON, which means the same then: \u001b. What is no UTF-8 becomes \ufffd */
} qn_text_style;

/* Spells out what may not reach a terminal: control characters (C0, DEL, C1), bytes that are no UTF-8, marks that turn
 * the direction of writing or are not seen at all, separators of lines and paragraphs. Everything else stays, so names
 * in any language do, and to do it twice changes nothing.
 * @param text  `bytes` of them, which may hold zeros; may be NULL where there are none
 * @param out   as of snprintf: at most `capacity` bytes with the final NUL, and whole characters; may be NULL when
 *              capacity is 0
 * returns      the length of the whole result, without NUL
 * cost         O(bytes); the result is at most six times as long
 */
QN_API size_t qn_text_escape(const char *text, size_t bytes, qn_text_style style, char *out, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
