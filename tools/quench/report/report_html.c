#include "report/report_html.h"
#include "cli/streams.h"
#include "pictures/tensors.h"

#include "quench/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Pieces ---- */

void report_pictures_deinit(report_pictures *pictures) {
    for (size_t i = 0; i < pictures->count; i++) {
        qn_image_buffer_deinit(&pictures->items[i].before);
        qn_image_buffer_deinit(&pictures->items[i].after);
        qn_image_buffer_deinit(&pictures->items[i].difference);
    }
    *pictures = (report_pictures){0};
}

int report_is_html(const char *path) {
    path = cli_given_name(path);
    const size_t length = path ? strlen(path) : 0;
    return length >= 5 && !strcmp(path + length - 5, ".html");
}

void html_text(FILE *out, const char *text) {
    char *safe = cli_escape(text ? text : "\xe2\x80\x93", QN_TEXT_LINE); /* a dash */
    for (const char *at = safe ? safe : "?"; *at; at++) {
        switch (*at) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*at, out);
        }
    }
    free(safe);
}

double html_get(const json_t *object, const char *name) {
    const json_t *number = json_object_get(object, name);
    return json_is_number(number) ? json_number_value(number) : (double)NAN;
}

const char *html_get_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static void print_number(FILE *out, double number, const char *format) QN_PRINTF(3, 0);

static void print_number(FILE *out, double number, const char *format) {
    if (isnan(number))
        html_text(out, NULL);
    else
        fprintf(out, format, number);
}

void html_number(FILE *out, const json_t *object, const char *name, const char *format) {
    print_number(out, html_get(object, name), format);
}

void html_png(FILE *out, const qn_image_buffer *png, const char *description) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputs("<img alt=\"", out);
    html_text(out, description);
    fputs("\" src=\"data:image/png;base64,", out);
    for (size_t i = 0; i < png->bytes; i += 3) {
        const size_t left = png->bytes - i;
        const unsigned bits = (unsigned)png->data[i] << 16 | (left > 1 ? (unsigned)png->data[i + 1] << 8 : 0) |
                              (left > 2 ? png->data[i + 2] : 0);
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[bits & 63] : '=', out);
    }
    fputs("\">", out);
}

/* ---- Sections ---- */

static const char style[] =
    ":root{--ink:#1c2430;--dim:#667085;--line:#e3e7ee;--paper:#fff;--soft:#f6f8fb;--blue:#2f6fde;--amber:#c77700;"
    "--green:#1a8a53;--red:#c8372d}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--dim:#98a2b3;--line:#2c3442;--paper:#12161d;--soft:#1a2029;"
    "--blue:#6ea0ff;--amber:#f0a63a;--green:#4cc38a;--red:#ff7b72}}"
    "body{margin:2rem auto;max-width:78rem;padding:0 1.5rem;color:var(--ink);background:var(--paper);"
    "font:15px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.6rem;margin:0 0 .2rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2.2rem 0 .7rem}"
    "p{max-width:60rem}.dim{color:var(--dim)}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(11.5rem,1fr));gap:.7rem;margin:1.2rem 0}"
    ".card{background:var(--soft);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}"
    ".card b{display:block;font-size:1.25rem;font-weight:600}.card span{color:var(--dim);font-size:.85rem}"
    ".find{border-left:4px solid var(--amber);background:var(--soft);padding:.5rem .8rem;margin:.5rem 0}"
    ".find b{display:inline-block}.find b::first-letter{text-transform:uppercase}.good{border-color:var(--green)}"
    ".wide{overflow-x:auto}.layers{position:relative;left:50%;transform:translateX(-50%);width:max-content;"
    "min-width:100%;max-width:calc(100vw - 3rem)}table{border-collapse:collapse;font-size:13px;width:100%}"
    "th,td{padding:.3rem .55rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}"
    "th{color:var(--dim);font-weight:500;vertical-align:bottom}"
    "td:first-child,th:first-child,td.l,th.l{text-align:left}td.n{white-space:normal;min-width:14rem;"
    "max-width:20rem}td.w{white-space:normal;min-width:9rem;max-width:14rem}"
    ".tag{border-radius:.3rem;padding:0 .4rem;background:var(--line)}.tag.int{background:var(--blue);color:#fff}"
    ".bad{color:var(--red)}details{border-bottom:1px solid var(--line);padding:.35rem 0}summary{cursor:pointer}"
    ".pair{display:flex;flex-wrap:wrap;gap:1rem;margin:.5rem 0}figure{margin:0}figcaption{font-size:.85rem;"
    "color:var(--dim)}img{display:block;max-width:100%;border-radius:.3rem}svg text{fill:var(--dim);font-size:11px}"
    ".seen{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.6rem;margin:.8rem 0;max-width:62rem}"
    ".bar{fill:var(--blue)}.bar.float{fill:var(--amber)}.axis{stroke:var(--line)}.edge{stroke:var(--red);"
    "stroke-dasharray:3 3}";

static void open_card(FILE *out) { fputs("<div class=\"card\"><b>", out); }
static void close_card(FILE *out, const char *label) {
    fputs("</b><span>", out);
    html_text(out, label);
    fputs("</span></div>\n", out);
}

static void write_bytes(FILE *out, double bytes) { print_number(out, bytes / 1e6, "%.2f MB"); }

static void write_output_cards(FILE *out, const json_t *quantisation) {
    size_t i;
    json_t *output;
    json_array_foreach(json_object_get(quantisation, "outputs"), i, output) {
        const int is_float = !isnan(html_get(output, "sqnr_db"));
        if (i >= 4 || (!is_float && isnan(html_get(output, "agreement")))) continue;
        open_card(out);
        if (is_float)
            html_number(out, output, "sqnr_db", "%.1f dB");
        else
            print_number(out, 100 * html_get(output, "agreement"), "%.2f %%");
        fputs("</b><span>", out);
        fputs(is_float ? "SQNR of " : "equal in ", out);
        html_text(out, html_get_text(output, "name"));
        fputs("</span></div>\n", out);
    }
}

static void write_summary(FILE *out, const json_t *report) {
    const json_t *quantisation = json_object_get(report, "quantisation"),
                 *totals = json_object_get(quantisation, "totals");
    fputs("<div class=\"cards\">\n", out);
    open_card(out), write_bytes(out, html_get(report, "file_bytes")), close_card(out, "compiled file");
    if (totals) {
        open_card(out);
        html_number(out, totals, "integer_layers", "%.0f of ");
        print_number(out, html_get(totals, "integer_layers") + html_get(totals, "float_layers"), "%.0f");
        close_card(out, "layers compute in integers");
        open_card(out);
        print_number(out, 100 * html_get(totals, "integer_macs_share"), "%.1f %%");
        close_card(out, "of multiply-adds");
        open_card(out);
        write_bytes(out, html_get(totals, "float_constant_bytes"));
        fputs(" \xe2\x86\x92 ", out);
        write_bytes(out, html_get(totals, "constant_bytes"));
        close_card(out, "constants");
        open_card(out);
        html_number(out, totals, "float_ms", "%.1f \xe2\x86\x92 ");
        html_number(out, totals, "ms", "%.1f ms");
        close_card(out, "layers, by the cost model");
        write_output_cards(out, quantisation);
    }
    if (!isnan(html_get(report, "arena_bytes_range_max"))) {
        open_card(out);
        write_bytes(out, html_get(report, "arena_bytes_range_max"));
        close_card(out, "arena at most");
    }
    fputs("</div>\n", out);
}

static void write_head(FILE *out, const json_t *report) {
    const json_t *quantisation = json_object_get(report, "quantisation");
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
          "'unsafe-inline'\">\n<title>",
          out);
    html_text(out, html_get_text(report, "file"));
    fprintf(out, ": report</title>\n<style>%s</style></head>\n<body>\n<h1>", style);
    html_text(out, html_get_text(report, "file"));
    fputs("</h1>\n<p class=\"dim\">built from <code>", out);
    html_text(out, html_get_text(report, "source"));
    fputs("</code>", out);
    if (json_is_object(quantisation)) {
        fputs(" in ", out);
        html_text(out, html_get_text(quantisation, "mode"));
        html_number(out, quantisation, "calibration_samples", ", ranges from %.0f samples by ");
        html_text(out, html_get_text(quantisation, "algorithm"));
        if (html_get(quantisation, "report_samples") > 0)
            html_number(out, quantisation, "report_samples", "; measured here on %.0f of them");
        else
            fputs("; nothing was measured here, for the build was given ranges and no samples", out);
    }
    fputs("</p>\n", out);
}

static void write_contract(FILE *out, const json_t *report) {
    const char *kept = html_get_text(report, "contract");
    if (!kept) return;
    fputs("<h2>Contract</h2>\n<div class=\"find good\">Kept: ", out);
    html_text(out, kept);
    fputs("</div>\n", out);
}

static void write_lacks(FILE *out, const json_t *lacks) {
    size_t i;
    json_t *finding;
    fputs("<h2>What the calibration set lacks</h2>\n", out);
    if (!json_array_size(lacks)) fputs("<div class=\"find good\">Nothing was found.</div>\n", out);
    json_array_foreach(lacks, i, finding) {
        fputs("<div class=\"find\"><b>", out);
        for (const char *c = html_get_text(finding, "kind"); c && *c; c++) fputc(*c == '_' ? ' ' : *c, out);
        fputs("</b>: ", out);
        html_text(out, html_get_text(finding, "text"));
        fputs(".</div>\n", out);
    }
}

static void write_inputs(FILE *out, const json_t *inputs) {
    size_t i, c;
    json_t *input, *mean;
    json_array_foreach(inputs, i, input) {
        const json_t *low = json_object_get(input, "low"), *high = json_object_get(input, "high");
        if (!json_array_size(low)) continue;
        fputs("<p class=\"dim\">Input <code>", out);
        html_text(out, html_get_text(input, "name"));
        fputs("</code>, channel by channel:", out);
        json_array_foreach(json_object_get(input, "mean"), c, mean)
            fprintf(out, "%s %.4g to %.4g, mean %.4g", c ? ";" : "", json_number_value(json_array_get(low, c)),
                    json_number_value(json_array_get(high, c)), json_number_value(mean));
        fputs("</p>\n", out);
    }
}

static void write_pictures(FILE *out, const report_pictures *pictures) {
    if (!pictures->count) return;
    fputs("<h2>Before and after</h2>\n<p class=\"dim\">What the float network sees, what the built one sees, and in "
          "white "
          "where they differ.</p>\n",
          out);
    for (size_t i = 0; i < pictures->count; i++) {
        const report_picture *picture = &pictures->items[i];
        fputs("<div class=\"seen\"><figure>", out);
        html_png(out, &picture->before, "float");
        fputs("<figcaption>float32</figcaption></figure><figure>", out);
        html_png(out, &picture->after, "built");
        fputs("<figcaption>as built</figcaption></figure><figure>", out);
        html_png(out, &picture->difference, "difference");
        fprintf(out, "<figcaption>%.2f %% of labels are equal</figcaption></figure></div>\n", 100 * picture->agreement);
    }
}

static void write_steps(FILE *out, const json_t *steps) {
    size_t i;
    json_t *step;
    fprintf(out,
            "<h2>Steps</h2>\n<details><summary>all %zu steps of the compiled file</summary><div class=\"wide\"><table>"
            "<tr><th>step</th><th class=\"l\">operator</th><th class=\"l\">precision</th></tr>\n",
            json_array_size(steps));
    json_array_foreach(steps, i, step) {
        fputs("<tr><td class=\"n\"><code>", out);
        html_text(out, html_get_text(step, "name"));
        fputs("</code></td><td class=\"l\">", out);
        html_text(out, html_get_text(step, "op"));
        fputs("</td><td class=\"l\">", out);
        html_text(out, html_get_text(step, "precision"));
        fputs("</td></tr>\n", out);
    }
    fputs("</table></div></details>\n", out);
}

static void write_all(FILE *out, const json_t *report, const report_pictures *pictures) {
    const json_t *quantisation = json_object_get(report, "quantisation"),
                 *layers = json_object_get(quantisation, "layers");
    write_head(out, report);
    write_summary(out, report);
    write_contract(out, report);
    if (json_is_object(quantisation)) {
        write_lacks(out, json_object_get(quantisation, "lacks"));
        write_inputs(out, json_object_get(quantisation, "inputs"));
    } else {
        fputs("<p>Nothing was quantised: the precision is float.</p>\n", out);
    }
    write_pictures(out, pictures);
    html_layer_bars(out, layers);
    html_layer_table(out, layers);
    html_histograms(out, layers);
    write_steps(out, json_object_get(report, "steps"));
    fputs("</body></html>\n", out);
}

qn_status *report_html_write(const char *path, const json_t *report, const report_pictures *pictures) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = report ? open_memstream(&text, &bytes) : NULL;
    if (!out) return cli_out_of_memory();
    write_all(out, report, pictures);
    const int failed = ferror(out) | fclose(out);
    qn_status *status = failed ? cli_out_of_memory() : qn_file_write_atomic(path, text, bytes);
    free(text);
    return status;
}
