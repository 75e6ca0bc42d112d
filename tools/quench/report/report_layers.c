/* The layers of a report as bars, a table and histograms. */
#include "report/report_html.h"

#include <math.h>
#include <string.h>

static int is_integer(const json_t *layer) {
    const char *precision = html_get_text(layer, "precision");
    return precision && !strncmp(precision, "int", 3);
}

/* ---- Bars ---- */

enum { BAR_HEIGHT = 160, CHART_WIDTH = 1000, GUTTER = 34 };

static double sqnr_of(const json_t *layer) { return html_get(json_object_get(layer, "output"), "sqnr_db"); }

static int is_measured(const json_t *layers) {
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer) if (!isnan(sqnr_of(layer))) return 1;
    return 0;
}

/* The dB that the chart reaches to: a multiple of 10. */
static double top_of(const json_t *layers) {
    size_t i;
    json_t *layer;
    double top = 10;
    json_array_foreach(layers, i, layer) {
        const double sqnr = sqnr_of(layer);
        if (sqnr > top) top = 10 * ceil(sqnr / 10);
    }
    return fmin(top, 100);
}

void html_layer_bars(FILE *out, const json_t *layers) {
    const size_t count = json_array_size(layers);
    const double top = top_of(layers), step = (double)(CHART_WIDTH - GUTTER) / (double)(count ? count : 1);
    size_t i;
    json_t *layer;
    if (!is_measured(layers)) return;
    fputs("<h2>Signal to noise, layer by layer</h2>\n<p class=\"dim\">How far every layer's output is from the float "
          "network's, in dB, with all layers before it as they were built: more is better. Blue layers compute in "
          "integers, "
          "amber ones in floats.</p>\n",
          out);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\">\n", CHART_WIDTH, BAR_HEIGHT + 20);
    for (double db = 0; db <= top; db += 10) {
        const double y = 8 + BAR_HEIGHT * (1 - db / top);
        fprintf(
            out,
            "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"0\" y=\"%.1f\">%.0f</text>\n",
            GUTTER, CHART_WIDTH, y, y, y + 4, db);
    }
    json_array_foreach(layers, i, layer) {
        const double sqnr = sqnr_of(layer);
        const double height = isnan(sqnr) ? 0 : BAR_HEIGHT * fmin(fmax(sqnr, 0), top) / top;
        fprintf(out, "<rect class=\"bar%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
                is_integer(layer) ? "" : " float", GUTTER + step * (double)i + 0.1 * step, 8 + BAR_HEIGHT - height,
                0.8 * step, height);
        html_text(out, html_get_text(layer, "name"));
        html_number(out, json_object_get(layer, "output"), "sqnr_db", ": %.1f dB");
        fputs("</title></rect>\n", out);
    }
    fputs("</svg>\n", out);
}

/* ---- Table ---- */

static void write_range(FILE *out, const json_t *object) {
    fputs("<td>", out);
    html_number(out, object, "low", "%.3g");
    fputs(" \xe2\x80\xa6 ", out);
    html_number(out, object, "high", "%.3g");
    fputs("</td>", out);
}

static void write_cell(FILE *out, const json_t *object, const char *name, const char *format) {
    fputs("<td>", out);
    html_number(out, object, name, format);
    fputs("</td>", out);
}

static void write_share(FILE *out, const json_t *object, const char *name, double bad) {
    const double share = html_get(object, name);
    fprintf(out, "<td%s>", share > bad ? " class=\"bad\"" : "");
    if (isnan(share))
        html_text(out, NULL);
    else
        fprintf(out, "%.3g %%", 100 * share);
    fputs("</td>", out);
}

static void write_row(FILE *out, const json_t *layer) {
    const json_t *input = json_object_get(layer, "input"), *output = json_object_get(layer, "output");
    const double dead = html_get(layer, "dead_outputs"), silent = html_get(layer, "never_alive");
    fputs("<tr><td class=\"n\"><code>", out);
    html_text(out, html_get_text(layer, "name"));
    fputs("</code></td><td class=\"l\">", out);
    html_text(out, html_get_text(layer, "op"));
    fprintf(out, "</td><td class=\"l\"><span class=\"tag%s\">", is_integer(layer) ? " int" : "");
    html_text(out, html_get_text(layer, "precision"));
    fputs("</span></td><td class=\"l w\">", out);
    html_text(out, html_get_text(layer, "reason"));
    fprintf(out, "</td><td>%.2f</td>", html_get(layer, "macs") / 1e6);
    write_cell(out, layer, "ms", "%.3f");
    write_range(out, json_object_get(layer, "weights"));
    write_cell(out, json_object_get(layer, "weights"), "channel_spread", "%.3g");
    fprintf(out, "<td%s>%.0f / %.0f of %.0f</td>", dead + silent > 0 ? " class=\"bad\"" : "", dead, silent,
            html_get(layer, "outputs"));
    write_range(out, input);
    write_cell(out, input, "channel_spread", "%.3g");
    write_share(out, output, "at_ends", 0.01);
    write_share(out, output, "clipped", 0.001);
    write_cell(out, output, "sqnr_db", "%.1f");
    write_cell(out, output, "cosine", "%.5f");
    fputs("</tr>\n", out);
}

void html_layer_table(FILE *out, const json_t *layers) {
    size_t i;
    json_t *layer;
    if (!json_array_size(layers)) return;
    fputs("<h2>Layers</h2>\n<div class=\"wide layers\"><table>\n<tr><th>layer</th><th class=\"l\">operator</th><th "
          "class=\"l\">computes "
          "in</th><th "
          "class=\"l\">why</th><th>million<br>multiply-adds</th><th>modelled<br>ms</th><th>weights</th><th>their "
          "spread</th><th>dead / silent<br>outputs</th><th>reads</th><th>spread of<br>channels</th><th>at "
          "the<br>ends</th>"
          "<th>clipped</th><th>SQNR<br>dB</th><th>cosine</th></tr>\n",
          out);
    json_array_foreach(layers, i, layer) write_row(out, layer);
    fputs("</table></div>\n", out);
}

/* ---- Histograms ---- */

enum { HISTOGRAM_WIDTH = 384, HISTOGRAM_HEIGHT = 96 };

/* Where a value lies on the axis of a histogram. */
static double place(const json_t *histogram, double value) {
    const double low = html_get(histogram, "low"), high = html_get(histogram, "high");
    return HISTOGRAM_WIDTH * (value - low) / (high - low);
}

static void write_edge(FILE *out, const json_t *value, const char *name) {
    const double x = place(json_object_get(value, "histogram"), html_get(value, name));
    if (x >= 0 && x <= HISTOGRAM_WIDTH)
        fprintf(out, "<line class=\"edge\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"/>", x, x, HISTOGRAM_HEIGHT);
}

/* Heights are logarithms: most values of most layers are 0. */
static void write_histogram(FILE *out, const char *what, const json_t *value) {
    const json_t *histogram = json_object_get(value, "histogram"), *counts = json_object_get(histogram, "counts");
    const double width = (double)HISTOGRAM_WIDTH / (double)(json_array_size(counts) ? json_array_size(counts) : 1);
    size_t i;
    json_t *count;
    double most = 1;
    json_array_foreach(counts, i, count) most = fmax(most, json_number_value(count));
    if (!json_array_size(counts)) return;
    fprintf(out, "<figure><svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\">", HISTOGRAM_WIDTH,
            HISTOGRAM_HEIGHT + 16, HISTOGRAM_WIDTH);
    json_array_foreach(counts, i, count) {
        const double height = HISTOGRAM_HEIGHT * log1p(json_number_value(count)) / log1p(most);
        if (height > 0)
            fprintf(out, "<rect class=\"bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
                    width * (double)i, HISTOGRAM_HEIGHT - height, 0.9 * width, height);
    }
    write_edge(out, value, "low");
    write_edge(out, value, "high");
    fprintf(
        out,
        "<text x=\"0\" y=\"%d\">%.4g</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text></svg><figcaption>",
        HISTOGRAM_HEIGHT + 13, html_get(histogram, "low"), HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT + 13,
        html_get(histogram, "high"));
    fputs(what, out);
    html_text(out, html_get_text(value, "name"));
    fputs("</figcaption></figure>\n", out);
}

void html_histograms(FILE *out, const json_t *layers) {
    size_t i;
    json_t *layer;
    int has_any = 0;
    json_array_foreach(layers, i, layer) has_any |=
        json_is_object(json_object_get(json_object_get(layer, "output"), "histogram"));
    if (!has_any) return;
    fputs("<h2>Values</h2>\n<p class=\"dim\">What the float network's layers read and make, on a logarithmic scale; "
          "red lines: the "
          "range that calibration gives.</p>\n",
          out);
    json_array_foreach(layers, i, layer) {
        fputs("<details><summary><code>", out);
        html_text(out, html_get_text(layer, "name"));
        fputs("</code></summary><div class=\"pair\">", out);
        write_histogram(out, "reads ", json_object_get(layer, "input"));
        write_histogram(out, "makes ", json_object_get(layer, "output"));
        fputs("</div></details>\n", out);
    }
}
