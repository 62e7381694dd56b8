/* What the child will do, decided before it exists: data only, which every route
 * replays and a test can check over all layouts without starting a process. */
#ifndef FP_PLAN_H
#define FP_PLAN_H

#include "ends.h"
#include "signals.h"
#include "spec.h"

/* One step towards the child's descriptors 0, 1 and 2. */
typedef enum fp_move_kind {
    FP_MOVE_KEEP,       /* `to` is in its place: let exec keep it */
    FP_MOVE_DUP,        /* dup2(from, to) */
    FP_MOVE_SAVE,       /* duplicate `from` to a free number above 2, and remember it */
    FP_MOVE_DUP_SAVED,  /* dup2(the remembered, to) */
    FP_MOVE_REOPEN      /* open our pipe `from` anew through /proc, then dup2 to `to` */
} fp_move_kind;

typedef struct fp_move {
    fp_move_kind kind;
    int from;
    int to;
} fp_move;

/* Three targets, and one step more for the one cycle that they can form. */
#define FP_MAX_MOVES 4

/* How the child comes to its table of descriptors. */
typedef enum fp_table {
    FP_TABLE_COPY,  /* a copy of the parent's, made by the kernel at birth */
    FP_TABLE_SHARE  /* the parent's own, until the child's first call unshares it */
} fp_table;

typedef struct fp_pipe_id {
    char path[48]; /* /proc/<pid>/fd/<number> */
    unsigned long long device;
    unsigned long long inode;
} fp_pipe_id;

typedef struct fp_plan {
    const fp_spec *spec;
    bool run_ahead; /* the parent may close its copies and go on while the child works */

    const char *const *programs; /* to try in this order; ends with NULL */
    const char *only_program[2];
    void *search_storage;

    fp_table table;
    int unshare_from; /* FP_TABLE_SHARE: what the child does not want copied */
    fp_move moves[FP_MAX_MOVES];
    int n_moves;
    fp_pipe_id reopen[3]; /* by target, for FP_MOVE_REOPEN */

    const int *keep_fds; /* not closed; ascending */
    size_t n_keep_fds;
    int *keep_storage;

    unsigned features;
    bool drop_handlers; /* the birth did not reset the signal handlers */
    bool restore_mask;  /* `mask` is to be put back before exec */
    fp_sigmask mask;
    bool has_report_fd; /* memory is not shared: report there */
    int report_fd;
#ifdef FP_FAULTS
    fp_stage fault; /* the stage at which a test lets the child fail */
#endif
} fp_plan;

/* Fills the moves that put ends->child[] on 0, 1 and 2 without overwriting one that
 * is still to be read. Returns how many. */
int fp_plan_moves(fp_move moves[FP_MAX_MOVES], const fp_ends *ends);

/* Plans for a route. May allocate, and starts nothing. On success the plan refers to
 * `spec`, and is to be freed. */
bool fp_plan_init(fp_plan *plan, const fp_spec *spec, const fp_ends *ends, fp_route route,
                  unsigned features, fp_error *error);

/* The highest descriptor that the plan names, and whether it names this one. */
int fp_plan_top(const fp_plan *plan);
bool fp_plan_names(const fp_plan *plan, int fd);

/* Adds the descriptor on which a child without shared memory reports: one that the plan
 * does not name. */
bool fp_plan_add_report(fp_plan *plan, int report_fd, fp_error *error);

void fp_plan_free(fp_plan *plan);

#endif
