/* text_graph_fuzz.c - the text form of graphs: read, inferred, verified, printed, and what is printed read again; then
 * built in one of the precisions and run. */
#include "fuzz.h"

#include "base/memory.h"
#include "driver/network/network.h"

#include <stdlib.h>
#include <string.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

/* What is printed in full is the whole graph: it parses, and prints the same. */
static qn_status *expect_same_again(qn_network *network) {
    qn_arena arena;
    qn_buffer first, second;
    qn_graph *again = NULL;
    qn_arena_init(&arena, fuzz_allocator());
    qn_buffer_init(&first, fuzz_allocator());
    qn_buffer_init(&second, fuzz_allocator());
    qn_graph_print(network->graph, 1, &first);
    qn_status *status = first.failed ? NULL : qn_graph_parse(&arena, qn_buffer_text(&first), &again);
    if (status && qn_status_code(status) != QN_OUT_OF_MEMORY && qn_status_code(status) != QN_LIMIT) abort();
    if (!status && again) status = qn_graph_infer(again);
    if (!status && again) {
        qn_graph_print(again, 1, &second);
        if (!second.failed && strcmp(qn_buffer_text(&first), qn_buffer_text(&second))) abort();
    }
    qn_buffer_deinit(&second);
    qn_buffer_deinit(&first);
    qn_arena_deinit(&arena);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const modes[] = {"\"force_float32\"", "\"force_float16\"", "\"qint8_mixed_float16\"",
                                        "\"qint16_mixed_float32\""};
    const uint64_t choice = fuzz_choice(data, bytes);
    char *text = as_text(data, bytes);
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_status *status = qn_network_new(fuzz_allocator(), &network);
    if (!status) status = qn_graph_parse(&network->arena, text, &network->graph);
    if (!status) status = qn_graph_infer(network->graph);
    if (!status) status = qn_graph_verify(network->graph);
    if (!status) status = expect_same_again(network);
    if (!status) status = build_in(modes[choice % 4], network, &model);
    if (!status) run_model(model, choice);
    qn_model_destroy(model);
    qn_network_destroy(network);
    free(text);
    expect_fair(status);
    return 0;
}
