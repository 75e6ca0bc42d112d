#include "score/eval_pairs.h"

#include "pictures/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void eval_pairs_deinit(eval_pairs *pairs) {
    for (size_t i = 0; pairs->items && i < pairs->count; i++) free(pairs->items[i].picture), free(pairs->items[i].mask);
    free(pairs->items);
    *pairs = (eval_pairs){0};
}

/* The first few names without a file, in one message. */
static qn_status *report_missing(const eval_pairs *pairs, const picture_list *names, const char *what,
                                 const char *folder, int is_mask) {
    enum { SHOWN = 5 };
    char list[512] = "";
    size_t missing = 0, length = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        if (is_mask ? pairs->items[i].mask != NULL : pairs->items[i].picture != NULL) continue;
        if (missing++ < SHOWN && length < sizeof list)
            length +=
                (size_t)snprintf(list + length, sizeof list - length, "%s%s", length ? ", " : "", names->paths[i]);
    }
    if (!missing) return NULL;
    return qn_status_create(QN_NOT_FOUND, "%s: %zu of %zu %s are missing there: %s%s", folder, missing, pairs->count,
                            what, list, missing > SHOWN ? ", ..." : "");
}

/* A name is a stem, or a file of either folder. */
static qn_status *find_pair(const char *pictures, const char *masks, const char *name, int is_listed,
                            eval_pair *out_pair) {
    char *stem = picture_stem(name);
    if (!stem) return cli_out_of_memory();
    out_pair->picture = is_listed ? picture_find(pictures, name) : strdup(name);
    if (!out_pair->picture) out_pair->picture = picture_find(pictures, stem);
    out_pair->mask = picture_find_mask(masks, name);
    free(stem);
    return NULL;
}

/* Of a folder with what `segment` saved: pictures with colours over them are no label maps. */
static size_t leave_overlays_out(picture_list *names) {
    size_t kept = 0, length;
    for (size_t i = 0; i < names->count; i++) {
        const picture_result kind = picture_result_find(names->paths[i], &length);
        if (kind == PICTURE_OVERLAY || kind == PICTURE_LEGEND)
            free(names->paths[i]);
        else
            names->paths[kept++] = names->paths[i];
    }
    const size_t left_out = names->count - kept;
    names->count = kept;
    return left_out;
}

/* The saved map of a name ("a", "a.jpg"): a.png, a.rgb.png or a.gray.png. */
static char *find_saved(const char *folder, const char *name) {
    char *found = picture_find(folder, name), *stem = picture_stem(name);
    if (!found && stem) found = picture_find(folder, stem);
    for (int kind = 0; kind < PICTURE_RESULTS && !found && stem; kind++) {
        if (kind == PICTURE_OVERLAY || kind == PICTURE_LEGEND) continue;
        char *file = cli_format("%s%s", stem, picture_result_endings[kind]);
        found = file ? cli_join_path(folder, file) : NULL;
        free(file);
        if (found && access(found, F_OK)) free(found), found = NULL;
    }
    free(stem);
    return found;
}

/* A saved map as it was listed, or found; its mask has the name without what `segment` put behind it. */
static qn_status *find_saved_pair(const char *folder, const char *masks, const char *name, int is_listed,
                                  eval_pair *out_pair) {
    size_t length;
    out_pair->picture = is_listed ? find_saved(folder, name) : strdup(name);
    picture_result_find(name, &length);
    char *plain = strndup(name, length);
    if (!plain) return cli_out_of_memory();
    out_pair->mask = picture_find_mask(masks, plain);
    if (!out_pair->mask) out_pair->mask = picture_find_mask(masks, name);
    free(plain);
    return NULL;
}

static qn_status *find_pairs(const char *pictures, const char *masks, const picture_list *names, int is_listed,
                             eval_kind kind, eval_pairs *out) {
    out->items = calloc(names->count + 1, sizeof *out->items);
    if (!out->items) return cli_out_of_memory();
    out->count = names->count;
    for (size_t i = 0; i < out->count; i++)
        CLI_TRY((kind == EVAL_SAVED ? find_saved_pair : find_pair)(pictures, masks, names->paths[i], is_listed,
                                                                   &out->items[i]));
    CLI_TRY(report_missing(out, names, "pictures (jpg, jpeg, png, ppm, pgm)", pictures, 0));
    return report_missing(out, names, "masks (png)", masks, 1);
}

qn_status *eval_pairs_find(const char *pictures, const char *masks, const char *list, eval_kind kind, eval_pairs *out) {
    picture_list names = {.takes_results = kind == EVAL_SAVED};
    *out = (eval_pairs){0};
    qn_status *status = list ? picture_list_read(&names, list) : picture_list_add(&names, pictures);
    const size_t overlays = !status && kind == EVAL_SAVED && !list ? leave_overlays_out(&names) : 0;
    if (overlays) cli_note("%s: left out %zu overlays and legends of `quench segment`", pictures, overlays);
    if (!status && !names.count)
        status = qn_status_create(QN_NOT_FOUND, "%s: there is no label map but overlays and legends", pictures);
    if (!status) status = find_pairs(pictures, masks, &names, list != NULL, kind, out);
    picture_list_deinit(&names);
    return status;
}

qn_status *eval_pairs_check(const eval_pairs *pairs, const char *const *reads, size_t read_count, const char *output) {
    cli_files files = {0};
    if (!output || cli_json_on_stdout(output)) return NULL;
    qn_status *status = cli_files_add_output(&files, output, "--json");
    for (size_t i = 0; i < read_count && !status; i++)
        if (reads[i]) status = cli_files_add_input(&files, reads[i]);
    for (size_t i = 0; i < pairs->count && !status; i++) {
        status = cli_files_add_input(&files, pairs->items[i].picture);
        if (!status) status = cli_files_add_input(&files, pairs->items[i].mask);
    }
    if (!status) status = cli_files_check(&files);
    if (!status) status = cli_check_writable(output);
    cli_files_deinit(&files);
    return status;
}
