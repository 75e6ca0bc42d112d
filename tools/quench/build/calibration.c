#include "build/calibration.h"
#include "cli/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Options ---- */

void calibration_options_deinit(calibration_options *options) {
    free(options->samples.items);
    free(options->contract.items);
    options->samples = options->contract = (cli_texts){0};
}

static int parse_fixed(const char *text, float out_range[2]) {
    char *end;
    double low = strtod(text, &end), high;
    if (end == text || *end != ',') return 0;
    text = end + 1;
    high = strtod(text, &end);
    out_range[0] = (float)low, out_range[1] = (float)high;
    return end != text && !*end && isfinite(out_range[0]) && isfinite(out_range[1]) && out_range[0] < out_range[1];
}

static int is_agreement(const calibration_options *options) {
    return options->min_agreement.is_given || (options->metric && !strcmp(options->metric, "agreement"));
}

static int has_contract(const calibration_options *options) {
    return options->min_agreement.is_given || options->max_drop.is_given;
}

static int check_contract(const calibration_options *options) {
    const char *metric = options->metric;
    if (metric && strcmp(metric, "miou") && strcmp(metric, "agreement"))
        return cli_usage("--metric: '%s' is neither miou nor agreement", metric);
    if (options->min_agreement.is_given && options->max_drop.is_given)
        return cli_usage("--min-agreement and --max-drop are two contracts, a build keeps one");
    if (options->min_agreement.is_given && metric && strcmp(metric, "agreement"))
        return cli_usage("--min-agreement is of metric agreement; --max-drop goes with --metric %s", metric);
    if (!has_contract(options) && (options->contract.count || options->masks || metric || options->confidence.is_given))
        return cli_usage("%s is of a contract: give --min-agreement PERCENT or --max-drop POINTS",
                         options->contract.count ? "--contract"
                         : options->masks        ? "--masks"
                         : metric                ? "--metric"
                                                 : "--confidence");
    if (has_contract(options) && !options->contract.count && !options->samples.count)
        return cli_usage("a contract is kept on pictures: give --contract DIR or --calibrate DIR");
    if (options->max_drop.is_given && !is_agreement(options) && !options->masks)
        return cli_usage("--max-drop needs the true labels: give --masks DIR, or --metric agreement");
    return CLI_GO_ON;
}

int calibration_set_algorithm(const cli_option *option, void *field, const char *value) {
    qn_calibrator_options calibrator;
    qn_calibrator *created = NULL;
    qn_calibrator_options_init(&calibrator);
    calibrator.algorithm = *(const char **)field = value;
    qn_status *status = qn_calibrator_create(&calibrator, &created);
    qn_calibrator_destroy(created);
    int answer = status ? cli_usage("--%s: %s", option->name, qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    return answer;
}

/* What says something of samples where there are none. */
static int check_samples(const calibration_options *options) {
    if (!options->samples.count && (options->algorithm || options->limit))
        return cli_usage("%s means nothing without --calibrate", options->algorithm ? "--algorithm" : "--limit");
    if (!calibration_needs_model(options) && (options->skips_unreadable || options->folder))
        return cli_usage("%s means nothing without --calibrate or --contract",
                         options->folder ? "--images" : "--skip-unreadable");
    return CLI_GO_ON;
}

int calibration_check_options(const calibration_options *options) {
    float fixed[2];
    if ((options->samples.count > 0) + (options->ranges != NULL) + (options->fixed != NULL) > 1)
        return cli_usage("--calibrate, --ranges and --fixed-range exclude each other");
    if (options->fixed && !parse_fixed(options->fixed, fixed))
        return cli_usage("--fixed-range: expected LOW,HIGH with LOW below HIGH, as in -1,1, found '%s'",
                         options->fixed);
    if (options->save_ranges && !calibration_is_wanted(options))
        return cli_usage("--save-ranges: there are no ranges to save without --calibrate");
    const int code = check_samples(options);
    return code == CLI_GO_ON ? check_contract(options) : code;
}

int calibration_is_wanted(const calibration_options *options) {
    return options->samples.count || options->ranges || options->fixed;
}

int calibration_needs_model(const calibration_options *options) {
    return options->samples.count || options->contract.count;
}

qn_status *calibration_add_files(const calibration_options *options, cli_files *files) {
    for (size_t i = 0; i < options->samples.count; i++) {
        const char *text = options->samples.items[i], *equal = strchr(text, '=');
        CLI_TRY(cli_files_add_input(files, text));
        if (equal) CLI_TRY(cli_files_add_input(files, equal + 1));
    }
    for (size_t i = 0; i < options->contract.count; i++)
        CLI_TRY(cli_files_add_input(files, options->contract.items[i]));
    if (options->ranges) CLI_TRY(cli_files_add_input(files, options->ranges));
    return options->save_ranges ? cli_files_add_output(files, options->save_ranges, "--save-ranges") : NULL;
}

/* ---- Measuring ---- */

static qn_status *open_samples(const calibration_options *options, qn_model *model, int is_contract,
                               sample_source *out_source) {
    const int is_own = is_contract && options->contract.count;
    const sample_options samples = {.option = is_own ? "--contract" : "--calibrate",
                                    .texts = is_own ? &options->contract : &options->samples,
                                    .folder = options->folder,
                                    .masks = is_contract && !is_agreement(options) ? options->masks : NULL,
                                    .fit = options->fit,
                                    .limit = is_own ? 0 : options->limit,
                                    .skips_unreadable = options->skips_unreadable};
    return sample_source_open(model, &samples, out_source);
}

static qn_status *measure(const calibration_options *options, qn_model *model, const qn_network *network,
                          const qn_config *config, calibration *c) {
    sample_source source;
    CLI_TRY(open_samples(options, model, 0, &source));
    double start = cli_now_ms();
    qn_status *status = sample_source_blame(&source, qn_calibrate(c->calibrator, network, config, &source.samples));
    c->ms = cli_now_ms() - start;
    c->sample_count = qn_calibrator_sample_count(c->calibrator);
    c->peak_bytes = cli_peak_rss_bytes();
    sample_source_close(&source);
    return status;
}

static qn_status *take_ranges(const calibration_options *options, qn_model *model, const qn_network *network,
                              const qn_config *config, calibration *c) {
    float fixed[2];
    if (options->ranges) return qn_calibrator_load_ranges_file(c->calibrator, options->ranges);
    if (!options->fixed) return measure(options, model, network, config, c);
    parse_fixed(options->fixed, fixed);
    return cli_context(qn_calibrator_set_fixed_range(c->calibrator, fixed[0], fixed[1]), "--fixed-range");
}

/* ---- The contract ---- */

static qn_status *make_contract(const calibration_options *options, qn_model *model, calibration *c) {
    qn_contract_init(&c->contract);
    const double drop = options->max_drop.value / 100;
    c->contract.metric = is_agreement(options) ? QN_METRIC_AGREEMENT : QN_METRIC_MIOU;
    c->contract.min_agreement = options->min_agreement.is_given ? options->min_agreement.value / 100 : 1 - drop;
    c->contract.max_drop = drop;
    if (options->confidence.is_given) c->contract.confidence = options->confidence.value / 100;
    CLI_TRY(open_samples(options, model, 1, &c->contract_source));
    c->contract.samples = c->contract_source.samples;
    return NULL;
}

qn_status *calibration_run(const calibration_options *options, qn_model *model, const qn_network *network,
                           const qn_config *config, cli_watch *watch, calibration *out) {
    *out = (calibration){0};
    if (has_contract(options)) CLI_TRY(make_contract(options, model, out));
    if (!calibration_is_wanted(options)) return NULL;
    qn_calibrator_options calibrator;
    qn_calibrator_options_init(&calibrator);
    calibrator.log = &cli_log;
    calibrator.algorithm = options->algorithm;
    calibrator.threads = (int)options->threads;
    if (watch) {
        calibrator.progress = cli_watch_progress;
        calibrator.cancel = cli_watch_is_cancelled;
        calibrator.progress_self = calibrator.cancel_self = watch;
    }
    CLI_TRY(cli_context(qn_calibrator_create(&calibrator, &out->calibrator), "--algorithm"));
    CLI_TRY(take_ranges(options, model, network, config, out));
    return options->save_ranges ? qn_calibrator_save_ranges_file(out->calibrator, options->save_ranges) : NULL;
}

qn_status *calibration_open_report(const calibration_options *options, qn_model *model, sample_source *out_source) {
    return open_samples(options, model, !options->samples.count, out_source);
}

void calibration_deinit(calibration *c) {
    qn_calibrator_destroy(c->calibrator);
    sample_source_close(&c->contract_source);
    *c = (calibration){0};
}

void calibration_print_algorithm(const calibration *c, char *text, size_t size) {
    const char *ranges = NULL, *algorithm = "";
    qn_status *status = c->calibrator ? qn_calibrator_ranges_text(c->calibrator, &ranges) : NULL;
    json_t *json = ranges && !status ? json_loads(ranges, 0, NULL) : NULL;
    json_unpack(json, "{s:s}", "algorithm", &algorithm);
    snprintf(text, size, "%s", algorithm);
    json_decref(json);
    qn_status_free(status);
}
