#include "fuzz.h"

#include "driver/network/network.h"
#include "model/sections.h"
#include "quench/config.h"

#include <stdio.h>
#include <stdlib.h>

const char *const fuzz_picture_network = "graph \"pictures\" {\n"
                                         "symbol h [1, 64]\nsymbol w [1, 64]\n"
                                         "input %x : u8[1, h, w, 3]\n"
                                         "const %k : f32[3, 3, 3, 4] = random 4\n"
                                         "const %b : f32[4] = random 5\n"
                                         "const %m : f32[1, 1, 4, 3] = random 6\n"
                                         "%f = cast(%x) {dtype=f32}\n"
                                         "%c = conv2d(%f, %k) {padding=same_upper}\n"
                                         "%a = add(%c, %b)\n"
                                         "%r = relu(%a)\n"
                                         "%s = conv2d(%r, %m) {padding=valid}\n"
                                         "%y = argmax(%s) {axis=3, dtype=s32}\n"
                                         "output %y\n"
                                         "}";

/* What the target itself makes is sound, or the target is wrong. */
static void must(qn_status *status) {
    if (!status) return;
    fprintf(stderr, "the target's own network: %s\n", qn_status_message(status));
    abort();
}

qn_network *make_network(const char *text) {
    qn_network *network;
    must(qn_network_new(fuzz_allocator(), &network));
    must(qn_graph_parse(&network->arena, text, &network->graph));
    must(qn_graph_infer(network->graph));
    return network;
}

qn_model *make_model(const char *text, const char *config_text) {
    qn_network *network = make_network(text);
    qn_config *config;
    qn_model *model;
    must(qn_config_create(NULL, &config));
    must(qn_config_merge_text(config, config_text, "the target's configuration"));
    must(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

qn_status *make_model_with_meta(const qn_model *model, const char *meta, qn_model **out_model) {
    qn_buffer file;
    qn_model_options options;
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    qn_buffer_init(&file, NULL);
    must(sections_with_meta((qn_bytes){data, bytes}, meta, &file));
    qn_model_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, &options, out_model);
    qn_buffer_deinit(&file);
    return status;
}
