/* Why a dim has one size, as the compiler wrote it into the file's meta: for messages only. */
#include "runtime/internal.h"

#include <stdio.h>
#include <string.h>

/* Can the name stand in a needle as it is? JSON writes other ones differently. */
static int is_plain(const char *name) {
    for (; *name; name++)
        if (*name < ' ' || *name == '"' || *name == '\\' || *name == 127) return 0;
    return 1;
}

void qn_program_find_pin(const qn_program *program, const char *input, int axis, int64_t size, char *out_reason,
                         size_t room) {
    char needle[512];
    size_t length = 0;
    *out_reason = 0;
    const int wanted = snprintf(needle, sizeof needle, "{\"input\":\"%s\",\"axis\":%d,\"size\":%lld,\"reason\":\"",
                                input, axis, (long long)size);
    const char *at = program->meta ? strstr(program->meta, "\"pinned\":[") : NULL;
    if (!at || wanted < 0 || (size_t)wanted >= sizeof needle || !is_plain(input)) return;
    at = strstr(at, needle);
    if (!at) return;
    for (at += wanted; *at && *at != '"' && length + 1 < room; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
        out_reason[length++] = *at;
    }
    out_reason[length] = 0;
}
