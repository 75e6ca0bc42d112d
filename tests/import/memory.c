#include "memory.h"

qn_status *recognise_memory(qn_bytes bytes, const char *path, const qn_import_format **out_format) {
    qn_source source;
    qn_source_init_memory(&source, bytes, path, NULL);
    qn_status *status = qn_import_recognise(&qn_import_formats_known, &source, out_format);
    qn_source_close(&source);
    return status;
}

qn_status *import_tensorflow(qn_bytes bytes, const char *name, const qn_import_options *options, qn_arena *arena,
                             qn_graph **out_graph) {
    const qn_import_format *format;
    qn_source source;
    QN_TRY(qn_import_format_find(&qn_import_formats_known, "tensorflow", &format));
    qn_source_init_memory(&source, bytes, name, NULL);
    qn_status *status = qn_import_run(format, &source, options, arena, out_graph);
    qn_source_close(&source);
    return status;
}
