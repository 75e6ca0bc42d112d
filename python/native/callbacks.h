/* Functions of Python that C calls (python/quench/_callbacks.py), in the types of the callbacks in include/quench. */
extern "Python" {
void qn_python_log(void *self, qn_log_level level, const char *text);
int qn_python_cancel(void *self);
void qn_python_progress(void *self, const char *phase, double fraction);
void qn_python_after_pass(void *self, const char *pass, const char *graph_text);
void qn_python_report(void *self, const char *json);
qn_status *qn_python_next(void *self, qn_tensor *inputs, size_t input_count, int *out_has);
qn_status *qn_python_rewind(void *self);
qn_status *qn_python_labels(void *self, qn_tensor *out_labels);
int qn_python_observe(void *self, const char *name, const qn_tensor *tensor);
qn_status *qn_python_host(void *arg);
}
