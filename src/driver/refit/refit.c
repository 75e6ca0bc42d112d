#include "quench/refit.h"

#include "base/entry.h"
#include "base/memory.h"
#include "driver/build/build.h"
#include "driver/config/config_check.h"
#include "driver/common/json.h"
#include "driver/refit/refit.h"
#include "quench/model.h"

#include <string.h>

typedef struct weights {
    qn_weights_info info;
    size_t bytes;
    void *data; /* in the arena, made when first set */
} weights;

struct qn_refitter {
    qn_allocator allocator;
    qn_arena arena;
    qn_engine *engine;
    weights *items;
    size_t count;
};

/* ---- What the model keeps ---- */

/* The model in force, opened. */
typedef struct opened {
    qn_model *model;
    json_t *meta;
    const json_t *refit, *config; /* in `meta` */
    qn_network *network;          /* as it was kept: ready for the passes */
} opened;

static void close_model(opened *o) {
    qn_network_destroy(o->network);
    json_decref(o->meta);
    qn_model_destroy(o->model);
    *o = (opened){0};
}

static qn_status *open_parts(opened *o, const qn_allocator *allocator) {
    const qn_program *program;
    qn_bytes kept;
    size_t bytes;
    const void *data = qn_model_bytes(o->model, &bytes);
    QN_TRY_CTX(qn_json_parse_meta(qn_model_get_info(o->model)->meta, &o->meta), "refit");
    o->refit = json_object_get(o->meta, "refit");
    o->config = json_object_get(o->meta, "config");
    if (o->config) QN_TRY_CTX(qn_config_check(o->config, "the configuration that the model keeps"), "refit");
    if (!o->refit) return QN_ERR(QN_UNSUPPORTED, "the model keeps no weights to replace: build it with enable_refit");
    QN_TRY(qn_network_new(allocator, &o->network));
    QN_TRY(qn_program_read((qn_bytes){data, bytes}, &o->network->arena, &program));
    QN_TRY(qn_refit_source_find(o->refit, program->constants, &kept));
    return qn_refit_source_read(o->refit, kept, &o->network->arena, &o->network->graph);
}

/* What there is after a failure, close_model() frees. */
static qn_status *open_model(qn_engine *engine, const qn_allocator *allocator, opened *out) {
    *out = (opened){.model = qn_engine_share_model(engine)};
    return open_parts(out, allocator);
}

qn_status *qn_refit_check(const qn_model *model) {
    opened o = {.model = (qn_model *)model};
    qn_status *status = open_parts(&o, qn_allocator_default());
    o.model = NULL; /* the caller's */
    close_model(&o);
    return status;
}

/* ---- Life ---- */

static int is_listed(const qn_value *value) {
    return qn_value_is_constant(value) && value->uses.count && value->type.dtype != QN_DTYPE_STRING;
}

/* Names are copied: the graph goes. */
static qn_status *list_weights(qn_refitter *r, const qn_graph *graph) {
    for (size_t i = 0; i < graph->values.count; i++) r->count += (size_t)is_listed(graph->values.items[i]);
    r->items = QN_ARENA_ARRAY(&r->arena, weights, r->count + 1);
    if (!r->items) return qn_status_out_of_memory();
    weights *item = r->items;
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (!is_listed(value)) continue;
        item->info = (qn_weights_info){.dtype = value->type.dtype, .rank = value->type.rank};
        item->info.name = qn_arena_copy_string(&r->arena, value->name, strlen(value->name));
        if (!item->info.name) return qn_status_out_of_memory();
        memcpy(item->info.dims, value->constant_dims, (size_t)value->type.rank * sizeof *item->info.dims);
        qn_refit_is_weight(value, &item->info.reason);
        item->bytes = value->data_bytes;
        item++;
    }
    return NULL;
}

qn_status *qn_refitter_create(qn_engine *engine, qn_refitter **out_refitter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_refitter);
    *out_refitter = NULL;
    QN_REQUIRE_ARG(engine);
    opened o;
    const qn_allocator *allocator = qn_allocator_or_default(NULL);
    qn_refitter *r = qn_alloc_zeroed(allocator, 1, sizeof *r, _Alignof(qn_refitter));
    if (!r) return qn_status_out_of_memory();
    r->allocator = *allocator;
    qn_arena_init(&r->arena, &r->allocator);
    r->engine = qn_engine_share(engine);
    qn_status *status = open_model(r->engine, &r->allocator, &o);
    if (!status) status = list_weights(r, o.network->graph);
    close_model(&o);
    if (status)
        qn_refitter_destroy(r);
    else
        *out_refitter = r;
    return status;
}

void qn_refitter_destroy(qn_refitter *refitter) {
    if (!refitter) return;
    qn_allocator allocator = refitter->allocator;
    qn_engine_destroy(refitter->engine);
    qn_arena_deinit(&refitter->arena);
    qn_free(&allocator, refitter);
}

/* ---- Names ---- */

int qn_refitter_get_weights(const qn_refitter *refitter, size_t index, qn_weights_info *out_info) {
    if (!refitter || !out_info) return 0;
    if (index >= refitter->count) return 0;
    *out_info = refitter->items[index].info;
    return 1;
}

static const char *find_name(const qn_refitter *refitter, size_t index, int missing_only) {
    for (size_t i = 0; i < refitter->count; i++) {
        const qn_weights_info *info = &refitter->items[i].info;
        if (info->reason || (missing_only && info->is_set)) continue;
        if (!index--) return info->name;
    }
    return NULL;
}

const char *qn_refitter_get_name(const qn_refitter *refitter, size_t index) {
    return refitter ? find_name(refitter, index, 0) : NULL;
}

const char *qn_refitter_get_missing_name(const qn_refitter *refitter, size_t index) {
    return refitter ? find_name(refitter, index, 1) : NULL;
}

/* ---- Setting ---- */

static qn_status *unknown_name(const qn_refitter *r, const char *name) {
    const char **names = qn_alloc_zeroed(&r->allocator, r->count + 1, sizeof *names, _Alignof(char *));
    if (!names) return qn_status_out_of_memory();
    for (size_t i = 0; i < r->count; i++) names[i] = r->items[i].info.name;
    const char *nearest = qn_text_nearest(name, names, r->count);
    qn_status *status = QN_ERR(QN_NOT_FOUND, "there are no weights '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                               nearest ? nearest : "", nearest ? "'?" : "");
    qn_free(&r->allocator, names);
    return status;
}

static qn_status *find_weights(qn_refitter *r, const char *name, weights **out) {
    *out = NULL;
    for (size_t i = 0; i < r->count && !*out; i++)
        if (!strcmp(r->items[i].info.name, name)) *out = &r->items[i];
    return *out ? NULL : unknown_name(r, name);
}

static qn_status *check_tensor(const qn_weights_info *info, const qn_tensor *tensor) {
    if (info->reason)
        return QN_ERR(QN_INVALID_ARGUMENT, "weights '%s' cannot be replaced: %s", info->name, info->reason);
    if (tensor->dtype != info->dtype)
        return QN_ERR(QN_INVALID_ARGUMENT, "weights '%s' are %s, but %s was given", info->name,
                      qn_dtype_name(info->dtype), qn_dtype_name(tensor->dtype));
    if (tensor->rank != info->rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "weights '%s' have rank %d, but %d was given", info->name, info->rank,
                      tensor->rank);
    for (int axis = 0; axis < info->rank; axis++)
        if (tensor->dims[axis] != info->dims[axis])
            return QN_ERR(QN_INVALID_ARGUMENT, "weights '%s': dim %d is %lld, but %lld was given", info->name, axis,
                          (long long)info->dims[axis], (long long)tensor->dims[axis]);
    return tensor->data ? NULL : QN_ERR(QN_INVALID_ARGUMENT, "weights '%s': no elements were given (NULL)", info->name);
}

qn_status *qn_refitter_set_named_weights(qn_refitter *refitter, const char *name, const qn_tensor *tensor) {
    QN_ENTER();
    QN_REQUIRE_ARG(refitter);
    QN_REQUIRE_ARG(name);
    QN_REQUIRE_ARG(tensor);
    weights *item = NULL;
    QN_TRY(find_weights(refitter, name, &item));
    QN_TRY(check_tensor(&item->info, tensor));
    if (!item->data) item->data = qn_arena_alloc_aligned(&refitter->arena, item->bytes, 64);
    if (!item->data) return qn_status_out_of_memory();
    memcpy(item->data, tensor->data, item->bytes);
    item->info.is_set = 1;
    return NULL;
}

/* ---- Putting in force ---- */

/* Gives the graph what was set. Every refitter of an engine lists the same constants, by name. */
static qn_status *put_into(const qn_refitter *r, qn_graph *graph) {
    for (size_t i = 0; i < r->count; i++) {
        if (!r->items[i].info.is_set) continue;
        qn_value *value = qn_graph_find_value(graph, r->items[i].info.name);
        if (!value || value->data_bytes != r->items[i].bytes)
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "the weights in force have no '%s': the engine has been given another model",
                          r->items[i].info.name);
        value->data = r->items[i].data;
    }
    return NULL;
}

/* Builds again, as the model was built, with the weights that were set. */
static qn_status *rebuild(const qn_refitter *r, opened *o, qn_buffer *file) {
    const qn_config config = {.root = (json_t *)(uintptr_t)o->config};
    qn_build_options options;
    qn_bytes all;
    qn_build_options_init(&options);
    options.allocator = &r->allocator;
    QN_TRY(put_into(r, o->network->graph));
    QN_TRY(qn_refit_source_collect(o->network->graph, &o->network->arena, &all));
    return qn_build_prepared(o->network, &config, &options, qn_model_get_info(o->model)->meta, all, file);
}

static qn_status *replace(const qn_refitter *r, const qn_buffer *file) {
    qn_model *model;
    QN_TRY(qn_model_load_memory(file->data, file->size, QN_MEMORY_COPY, NULL, &model));
    qn_status *status = qn_engine_replace_weights(r->engine, model);
    qn_model_destroy(model);
    if (qn_status_code(status) != QN_INVALID_ARGUMENT) return status;
    qn_status *changed =
        QN_ERR(QN_UNSUPPORTED,
               "these weights cannot be put into the running engine, since a build gives another program with them, or "
               "since another version of quench built the file (%s): build again",
               qn_status_message(status));
    qn_status_free(status);
    return changed;
}

qn_status *qn_refitter_refit_engine(qn_refitter *refitter) {
    QN_ENTER();
    QN_REQUIRE_ARG(refitter);
    opened o;
    qn_buffer file;
    qn_buffer_init(&file, &refitter->allocator);
    qn_status *status = open_model(refitter->engine, &refitter->allocator, &o);
    if (!status) status = rebuild(refitter, &o, &file);
    if (!status) status = replace(refitter, &file);
    for (size_t i = 0; i < refitter->count && !status; i++) refitter->items[i].info.is_set = 0;
    qn_buffer_deinit(&file);
    close_model(&o);
    return status;
}
