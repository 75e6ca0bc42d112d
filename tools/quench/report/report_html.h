/* report/report_html.h - the report of a build as one file for a browser: nothing is loaded from elsewhere, nothing runs. */
#ifndef QUENCH_REPORT_REPORT_HTML_H
#define QUENCH_REPORT_REPORT_HTML_H

#include "cli/cli.h"
#include "quench/image.h"

#include <stdio.h>

enum { REPORT_PICTURES_MAX = 4 };

/* One picture as two networks see it. */
typedef struct report_picture {
    qn_image_buffer before, after, difference; /* PNG: overlays, and where labels differ */
    double agreement;                          /* share of equal labels */
} report_picture;

typedef struct report_pictures {
    report_picture items[REPORT_PICTURES_MAX];
    size_t count;
} report_pictures;

void report_pictures_deinit(report_pictures *pictures);

/* Is the report to be such a file, by its name? */
int report_is_html(const char *path);

/* Writes the report that the command build makes as JSON ("quantisation" may be null), atomically. IO, OUT_OF_MEMORY. */
qn_status *report_html_write(const char *path, const json_t *report, const report_pictures *pictures) QN_MUST_USE;

/* ---- Inside ---- */

/* A text of any origin, with what means something in HTML escaped. NULL writes a dash. */
void html_text(FILE *out, const char *text);
/* The number at a name: "-" where there is none; `format` is of a double. */
void html_number(FILE *out, const json_t *object, const char *name, const char *format);
/* The same as a double, NAN where there is none; the text, NULL likewise. */
double html_get(const json_t *object, const char *name);
const char *html_get_text(const json_t *object, const char *name);
/* Bytes as an image that lies in the file. */
void html_png(FILE *out, const qn_image_buffer *png, const char *description);

/* report_layers.c: bars of the layers' SQNR, the table of layers, and their histograms. */
void html_layer_bars(FILE *out, const json_t *layers);
void html_layer_table(FILE *out, const json_t *layers);
void html_histograms(FILE *out, const json_t *layers);

#endif
