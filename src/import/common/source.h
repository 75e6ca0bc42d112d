/* import/common/source.h - what an importer reads: a model file or folder, and the files beside it.
 *
 * Models come in several files: ONNX keeps weights as external data, Caffe parts description and weights, a SavedModel is
 * a folder. A name that a model gives is hostile: it is followed inside the model's folder only.
 *
 *     qn_bytes weights;
 *     QN_TRY(qn_source_open_sibling(importer->source, "model.onnx_data", &weights));
 *
 * Which files a name may reach:
 * - no absolute names, and no '..' anywhere, even where the result would lie inside;
 * - symbolic links are followed as long as they end in the model's folder (or below), or in the folder where the model
 *   file itself ends when its own links are followed. The second is how download caches lie: both model.onnx and
 *   model.onnx_data are links into one store. A link that ends elsewhere is refused.
 * Someone who may rewrite the folder while it is read can do more than links can, and is not defended against.
 * Threads: a source belongs to one thread.
 */
#ifndef QN_IMPORT_COMMON_SOURCE_H
#define QN_IMPORT_COMMON_SOURCE_H

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

struct qn_source_sibling;

/* Zeroed: closed. */
typedef struct qn_source {
    const char *path; /* what messages call the model; borrowed */
    qn_bytes bytes;   /* the model's; empty for a folder */
    int is_folder;
    int has_folder;           /* 0: memory, with nothing beside it */
    size_t sibling_bytes_max; /* what files beside it may have together: QN_IMPORT_SIBLING_BYTES_MAX */
    /* private */
    qn_allocator allocator;
    qn_arena arena;
    int owns_bytes;
    struct qn_source_sibling *siblings; /* those that are open, the last one first */
    size_t sibling_count, sibling_bytes;
} qn_source;

/* A source in memory, without files beside it. Both are borrowed. */
void qn_source_init_memory(qn_source *source, qn_bytes bytes, const char *path, const qn_allocator *allocator);
/* Reads a file, or opens a folder. `what` and `bytes_max` as of qn_file_read, whose errors these are. On failure `source`
   is closed. */
qn_status *qn_source_open(const char *path, const char *what, size_t bytes_max, const qn_allocator *allocator,
                          qn_source *out_source) QN_MUST_USE;
/* Frees what the source has read, siblings too; accepts a zeroed struct. */
void qn_source_close(qn_source *source);

/* The bytes of the file that the model calls `name`, relative to the model's folder; the bytes live as long as the
   source. A file that is open already is not read again. Errors: UNSUPPORTED (the source is memory), INVALID_MODEL (a
   name that leaves the folder, or none), NOT_FOUND, IO, LIMIT (too many bytes or files), OUT_OF_MEMORY. */
qn_status *qn_source_open_sibling(qn_source *source, const char *name, qn_bytes *out_bytes) QN_MUST_USE;
/* Is there such a file beside the model, by the same rules? */
int qn_source_has_sibling(const qn_source *source, const char *name);

/* How many bytes the model and its open siblings have, and a hash of them all. */
uint64_t qn_source_count_bytes(const qn_source *source);
uint64_t qn_source_hash(const qn_source *source);

#endif
