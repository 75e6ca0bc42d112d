/* The table of formats, from formats.def, and what is the same for all of them. */
#include "import/formats.h"

#include "import/common/importer.h"

#include <string.h>

static const qn_import_format rows[] = {
#define QN_IMPORT_FORMAT(name, prefix, title, own_bytes) {#name, title, prefix##_recognise, prefix##_import, own_bytes},
#include "import/formats.def"
#undef QN_IMPORT_FORMAT
};

const qn_import_formats qn_import_formats_known = {rows, sizeof rows / sizeof *rows};

/* "'a', 'b' and 'c' are" */
static void list_names(const qn_import_formats *formats, qn_buffer *text) {
    for (size_t i = 0; i < formats->count; i++)
        qn_buffer_printf(text, "%s'%s'", i == 0 ? "" : i + 1 == formats->count ? " and " : ", ", formats->rows[i].name);
    qn_buffer_printf(text, "%s", formats->count == 1 ? " is" : " are");
}

static const char *find_nearest(const qn_import_formats *formats, const char *name) {
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    size_t count = formats->count < NAMES_MAX ? formats->count : NAMES_MAX;
    for (size_t i = 0; i < count; i++) names[i] = formats->rows[i].name;
    return qn_text_nearest(name, names, count);
}

qn_status *qn_import_format_find(const qn_import_formats *formats, const char *name,
                                 const qn_import_format **out_format) {
    *out_format = NULL;
    for (size_t i = 0; i < formats->count; i++)
        if (strcmp(formats->rows[i].name, name) == 0) {
            *out_format = &formats->rows[i];
            return NULL;
        }
    const char *nearest = find_nearest(formats, name);
    if (nearest) return QN_ERR(QN_INVALID_ARGUMENT, "format '%s' is not known; did you mean '%s'?", name, nearest);
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    list_names(formats, &text);
    qn_status *status = QN_ERR(QN_INVALID_ARGUMENT, "format '%s' is not known; %s", name, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    return status;
}

/* ---- One import ---- */

static qn_status *check_own(const qn_import_format *format, const qn_import_options *options) {
    if (!options->own || (format->own_bytes && options->own_bytes == format->own_bytes)) return NULL;
    if (!format->own_bytes) return QN_ERR(QN_INVALID_ARGUMENT, "format '%s' has no options of its own", format->name);
    return QN_ERR(QN_INVALID_ARGUMENT, "the options of format '%s' have %zu bytes, %zu are given", format->name,
                  format->own_bytes, options->own_bytes);
}

qn_status *qn_import_run(const qn_import_format *format, qn_source *source, const qn_import_options *options,
                         qn_arena *arena, qn_graph **out_graph) {
    static const qn_import_options defaults;
    qn_arena scratch;
    *out_graph = NULL;
    if (!options) options = &defaults;
    QN_TRY_CTX(check_own(format, options), "%s", source->path);
    qn_arena_init(&scratch, arena->allocator);
    qn_importer importer = {.format = format->name,
                            .file_name = source->path,
                            .source = source,
                            .options = options,
                            .arena = arena,
                            .scratch = &scratch};
    qn_status *status = qn_status_context(format->import(&importer), "%s: %s", format->name, source->path);
    qn_arena_deinit(&scratch);
    if (status) return status;
    qn_graph_remove_dead(importer.graph);
    /* Nodes know their source by now, and messages of inference begin with it. */
    QN_TRY_CTX(qn_graph_infer(importer.graph), "%s", source->path);
    *out_graph = importer.graph;
    return NULL;
}
