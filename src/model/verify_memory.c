/* Do values that share memory leave each other's bytes alone while these are needed? Values that share bytes by alias
 * form a group; a group has one place in the arena and lives as long as any member. Groups whose lives meet must not
 * overlap, and within a group no step writes over a member that a later step reads. For example, a of 64 bytes lives
 * 0 .. 2 at 0, and b of 64 bytes 1 .. 3 at 32: refused, since both are needed in steps 1 and 2. With c alias of a, made
 * by step 1 and read by step 3: c may be a view of a, but not the result of a relu in place, which would write over a
 * although step 2 reads it. */
#include "base/heap.h"
#include "base/skyline.h"
#include "model/verify.h"

#include <assert.h>

#define BAD(...) QN_ERR(QN_INVALID_MODEL, __VA_ARGS__)

/* A group in the arena. */
typedef struct group {
    uint64_t start, end;
    uint32_t first, last;
    uint32_t root;
} group;

static int in_arena(const qn_program_value *value) {
    return value->place == QN_PLACE_ARENA || value->place == QN_PLACE_DIMS;
}

/* ---- Liveness ---- */

static qn_status *verify_life(const qn_verifier *v, uint32_t index) {
    const qn_program *program = v->program;
    const qn_program_value *value = &program->values[index];
    uint32_t steps = (uint32_t)program->step_count;
    if (!steps) return NULL;
    if (value->first_step > value->last_step || value->last_step >= steps)
        return BAD("lives from step %u to %u of %u", value->first_step, value->last_step, steps);
    if (value->alias < 0 && value->place == QN_PLACE_DIMS) {
        if (value->first_step != 0 || value->last_step != steps - 1)
            return BAD("is computed from shapes, but lives from step %u to %u only", value->first_step,
                       value->last_step);
        return NULL;
    }
    if (v->made_at[index] == QN_STEP_NEVER) return NULL;
    if (value->first_step > v->made_at[index] || value->last_step < v->used_at[index])
        return BAD("lives from step %u to %u, but is needed from %u to %u", value->first_step, value->last_step,
                   v->made_at[index], v->used_at[index]);
    return NULL;
}

/* ---- Groups ---- */

/* Numbers of values grouped by root: the members of root r are order[begin[r] .. begin[r + 1]). */
typedef struct membership {
    uint32_t *begin, *order;
} membership;

static qn_status *collect_members(const qn_verifier *v, membership *out) {
    size_t count = v->program->value_count;
    out->begin = QN_ARENA_ARRAY(v->arena, uint32_t, count + 2);
    out->order = QN_ARENA_ARRAY(v->arena, uint32_t, count);
    if (!out->begin || !out->order) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) out->begin[v->roots[i] + 2]++;
    for (size_t i = 2; i < count + 2; i++) out->begin[i] += out->begin[i - 1];
    for (uint32_t i = 0; i < count; i++) out->order[out->begin[v->roots[i] + 1]++] = i;
    assert(out->begin[count] == count);
    return NULL;
}

/* May `step` write its output over `value`? It may if `value` is an input that its operator reads element by element
   before it writes (from alias_first on), and is not also one of the inputs before. */
static int may_overwrite(const qn_program *program, const qn_program_step *step, uint32_t value) {
    int may = 0;
    if (!(step->op->flags & QN_OP_MAY_ALIAS)) return 0;
    for (uint32_t i = 0; i < step->input_count; i++) {
        if (program->operands[step->first_input + i] != value) continue;
        if ((int)i < step->op->alias_first) return 0;
        may = 1;
    }
    return may;
}

/* Is `value` made by a view, of a value in the same group? Then making it writes nothing. */
static int is_view_step(const qn_verifier *v, const qn_program_step *step, uint32_t value) {
    if (!qn_op_is_view(step->op)) return 0;
    uint32_t source = v->program->operands[step->first_input];
    return source != UINT32_MAX && v->roots[source] == v->roots[value];
}

/* The step that makes `maker` writes the bytes of the group. `other`, a member made by then, must not be needed any
   more: its last use lies before, or is that very step, which works in place. */
static qn_status *verify_overwrite(const qn_verifier *v, uint32_t maker, uint32_t other) {
    const qn_program *program = v->program;
    uint32_t s = v->made_at[maker];
    const qn_program_step *step = &program->steps[s];
    const qn_program_value *kept = &program->values[other];
    uint32_t needed_until = kept->place == QN_PLACE_OUTPUT && kept->alias < 0 ? UINT32_MAX : v->used_at[other];
    int in_place = may_overwrite(program, step, other) && v->made_at[other] != s;
    if (needed_until < s || (needed_until == s && in_place)) return NULL;
    return BAD("step %u '%s' writes '%s' over '%s', which is still needed", s, step->name, program->values[maker].name,
               kept->name);
}

static qn_status *verify_group(const qn_verifier *v, const uint32_t *members, size_t count, uint32_t root) {
    const qn_program *program = v->program;
    if (count < 2) return NULL;
    if (count > QN_PROGRAM_GROUP_MAX)
        return QN_ERR(QN_LIMIT, "%zu values share the bytes of '%s', the limit is %d", count,
                      program->values[root].name, QN_PROGRAM_GROUP_MAX);
    qn_place place = program->values[root].place;
    int writable = place == QN_PLACE_ARENA || place == QN_PLACE_OUTPUT;
    for (size_t i = 0; i < count; i++) {
        uint32_t maker = members[i];
        if (v->made_at[maker] == QN_STEP_NEVER) continue;
        const qn_program_step *step = &program->steps[v->made_at[maker]];
        if (is_view_step(v, step, maker)) continue;
        if (!writable)
            return BAD("step '%s' writes into '%s', which is not its to write", step->name, program->values[root].name);
        for (size_t j = 0; j < count; j++) {
            if (j == i || v->made_at[members[j]] == QN_STEP_NEVER || v->made_at[members[j]] > v->made_at[maker])
                continue;
            QN_TRY(verify_overwrite(v, maker, members[j]));
        }
    }
    return NULL;
}

/* ---- Overlap ---- */

static int starts_lower(const void *self, const void *a, const void *b) {
    (void)self;
    return ((const group *)a)->start < ((const group *)b)->start;
}

/* The group before `g`, so starting no later in memory, that lives at the same time and reaches into it. Only for the
   message: there is one. */
static const group *find_clash(const group *groups, size_t g) {
    for (size_t i = 0; i < g; i++)
        if (groups[i].end > groups[g].start && groups[i].first <= groups[g].last && groups[i].last >= groups[g].first)
            return &groups[i];
    return &groups[g];
}

/* Goes through the groups upwards in memory. The start of each must be at or above the ends of all groups before it
   that live at the same time; the skyline knows the highest of these ends. */
static qn_status *verify_overlap(const qn_verifier *v, group *groups, size_t count) {
    uint32_t *points = QN_ARENA_ARRAY(v->arena, uint32_t, count);
    void *scratch = qn_arena_alloc(v->arena, 1, qn_skyline_scratch_bytes(count));
    if (!points || !scratch) return qn_status_out_of_memory();
    qn_skyline skyline;
    for (size_t g = 0; g < count; g++) points[g] = groups[g].first;
    qn_skyline_init(&skyline, scratch, points, count);
    qn_heap_sort(groups, count, sizeof *groups, starts_lower, NULL);
    for (size_t g = 0; g < count; g++) {
        assert(g == 0 || groups[g - 1].start <= groups[g].start);
        if (qn_skyline_highest(&skyline, groups[g].first, groups[g].last) > groups[g].start)
            return BAD("'%s' and '%s' overlap in the arena while both are needed",
                       v->program->values[find_clash(groups, g)->root].name, v->program->values[groups[g].root].name);
        qn_skyline_raise(&skyline, groups[g].first, groups[g].last, groups[g].end);
    }
    return NULL;
}

/* The groups that take room in the arena, with the lives of their members joined. */
static qn_status *verify_groups(const qn_verifier *v) {
    const qn_program *program = v->program;
    membership members;
    QN_TRY(collect_members(v, &members));
    group *groups = QN_ARENA_ARRAY(v->arena, group, program->value_count);
    if (!groups) return qn_status_out_of_memory();
    size_t count = 0;
    for (uint32_t root = 0; root < program->value_count; root++) {
        const qn_program_value *value = &program->values[root];
        if (v->roots[root] != root) continue;
        const uint32_t *list = members.order + members.begin[root];
        size_t member_count = members.begin[root + 1] - members.begin[root];
        QN_TRY(verify_group(v, list, member_count, root));
        if (!in_arena(value) || !value->bytes) continue;
        group whole = {value->offset, value->offset + value->bytes, value->first_step, value->last_step, root};
        for (size_t i = 0; i < member_count; i++) {
            const qn_program_value *member = &program->values[list[i]];
            if (member->first_step < whole.first) whole.first = member->first_step;
            if (member->last_step > whole.last) whole.last = member->last_step;
        }
        groups[count++] = whole;
    }
    return program->arena_bytes ? verify_overlap(v, groups, count) : NULL;
}

qn_status *qn_verify_memory(const qn_verifier *v) {
    for (uint32_t i = 0; i < v->program->value_count; i++)
        QN_TRY_CTX(verify_life(v, i), "value %u '%s'", i, v->program->values[i].name);
    return verify_groups(v);
}
