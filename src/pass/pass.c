#include "pass/pass.h"

#include <string.h>

#define QN_PASS(stage, name, doc) {QN_PASS_##stage, #name, doc, qn_pass_##name},
static const qn_pass passes[] = {
#include "pass/passes.def"
};
#undef QN_PASS

enum { PASS_COUNT = sizeof passes / sizeof *passes };

size_t qn_pass_count(void) { return PASS_COUNT; }
const qn_pass *qn_pass_at(size_t index) { return &passes[index]; }

const qn_pass *qn_pass_find(const char *name) {
    for (size_t i = 0; i < PASS_COUNT; i++)
        if (!strcmp(passes[i].name, name)) return &passes[i];
    return NULL;
}

static int is_wanted(const qn_pass *pass, qn_pass_stage first, qn_pass_stage last, const qn_pass_options *options) {
    int always = pass->stage != QN_PASS_SIMPLIFY && pass->stage != QN_PASS_FUSE;
    if (pass->stage < first || pass->stage > last || (!always && !options->fusion)) return 0;
    for (size_t i = 0; i < options->skip_count; i++)
        if (options->skip[i] && !strcmp(options->skip[i], pass->name)) return 0;
    return 1;
}

qn_status *qn_passes_run(qn_graph *graph, qn_pass_stage first, qn_pass_stage last, const qn_pass_options *options) {
    for (size_t i = 0; i < PASS_COUNT; i++) {
        if (!is_wanted(&passes[i], first, last, options)) continue;
        if (options->before) QN_TRY(options->before(options->before_self, &passes[i], i, PASS_COUNT));
        QN_TRY_CTX(passes[i].run(graph), "pass %s", passes[i].name);
        qn_graph_remove_dead(graph);
#ifndef NDEBUG
        QN_TRY_CTX(qn_graph_verify(graph), "after pass %s", passes[i].name);
#endif
        if (options->after) options->after(options->after_self, &passes[i], graph);
    }
    return NULL;
}
