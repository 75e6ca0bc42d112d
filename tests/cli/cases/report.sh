# Reports of builds in integers, as JSON and for a browser.

it "adds what became of every layer to the report"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --calibrate "$scenes/pictures" --report report.json
cp report.json .out
expect "$(json quantisation.format)" = "quench report 1"
expect "$(json quantisation.layers.#)" = 40
between "$(json quantisation.totals.integer_layers)" 30 40
between "$(json quantisation.totals.integer_macs_share)" 0.9 1
between "$(json quantisation.layers.0.output.sqnr_db)" 20 80
between "$(json quantisation.layers.0.output.cosine)" 0.99 1
expect "$(json quantisation.layers.0.output.histogram.counts.#)" = 64
between "$(json quantisation.outputs.0.agreement)" 0.98 1
expect "$(json quantisation.inputs.0.mean.#)" = 3
expect "$(json quantisation.report_samples)" = 8

it "says what the calibration set lacks"
cp "$scenes/pictures/scene_1.jpg" a.jpg
cp a.jpg b.jpg
printf 'a.jpg\nb.jpg\n' >two.txt
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --calibrate two.txt --report report.json
grep -q few_samples report.json || broken "two samples are too few"
grep -q duplicates report.json || broken "two equal samples are duplicates"

it "gives the same model with and without a report"
quench ok build "$scenes/scenes.pb" -o plain.qn --precision qint8_mixed_float16 --calibrate two.txt
cmp plain.qn int8.qn || broken "the report changed the model"

it "has less to say without samples"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --fixed-range=-6,6 --report -
expect "$(json quantisation.report_samples)" = 0
expect "$(json quantisation.lacks.0.kind)" = no_samples
expect "$(json quantisation.layers.#)" = 40

it "writes one file for a browser, with pictures and nothing from elsewhere"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --calibrate "$scenes/pictures" --report report.html
prints '^int8.qn: '
grep -q '^<!DOCTYPE html>' report.html || broken "it is no HTML"
expect "$(grep -o 'data:image/png;base64,' report.html | wc -l)" = 12
expect "$(grep -c '<details>' report.html)" = 41
grep -q 'of labels are equal' report.html || broken "it says how much is equal"
! grep -qiE '<script|<link|<iframe|@import|url\(|(src|href)="?https?:' report.html || broken "it loads something"

it "says in it that nothing was measured without samples, and shows no chart of it"
grep -q '; measured here on 8 of them' report.html || broken "it does not say what was measured"
grep -q '<h2>Signal to noise' report.html || broken "the chart is missing"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --fixed-range=-6,6 --report report.html
grep -q '; nothing was measured here, for the build was given ranges and no samples' report.html || broken "it does not say why"
! grep -qE 'measured here on|<h2>Signal to noise' report.html || broken "it shows what was not measured"
grep -q '<h2>Layers' report.html || broken "the layers are missing"

it "keeps the contract in it"
quench ok build "$scenes/scenes.pb" -o int8.qn --precision qint8_mixed_float16 --calibrate "$scenes/pictures" --min-agreement 90 --report report.html
grep -q '<h2>Contract</h2>' report.html || broken "the contract is missing"

it "escapes hostile names"
cp "$scenes/scenes.pb" '<script>&.pb'
quench ok build '<script>&.pb' -o '<img src=x onerror=y>.qn' --report report.html
! grep -qE '<script|<img src=x' report.html || broken "a name got through"
grep -q '&lt;img src=x onerror=y&gt;.qn' report.html || broken "the name is missing"

it "reports float builds too"
grep -q 'Nothing was quantised' report.html || broken "a float build has layers in integers"
