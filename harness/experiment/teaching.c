/* The network that a training learns from. */
#include "experiment/teaching.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "settings/teacher.h"

static enum pb_status load(const struct pb_session *session, struct pb_network **network, struct pb_error *error)
{
    const struct pb_cell_config *config = session->config;
    struct pb_network *teacher = NULL;
    enum pb_status status = pb_teacher_load(config->teacher, &teacher, error);
    if (status == PB_OK)
        status = pb_teacher_suits(config, teacher->graph, session->data->contents.class_count, error);
    if (status == PB_OK)
        *network = teacher;
    else
        pb_network_free(&teacher);
    return status;
}

enum pb_status pb_teacher_check(const struct pb_session *session, struct pb_error *error)
{
    struct pb_network *teacher = NULL;
    const enum pb_status status = session->config->teacher ? load(session, &teacher, error) : PB_OK;
    pb_network_free(&teacher);
    return status;
}

/* The stage's key holds the SHA-256 that the file had when the cell began: compared once it is read. */
static enum pb_status open_file(const struct pb_session *session, struct pb_network **network, struct pb_error *error)
{
    const char *path = session->config->teacher;
    struct pb_network *teacher = NULL;
    char sha256[65];
    enum pb_status status = load(session, &teacher, error);
    if (status == PB_OK)
        status = pb_sha256_file(path, sha256, error);
    if (status == PB_OK && strcmp(sha256, session->chain.inputs.teacher) != 0)
        status = pb_fail(error, PB_ERROR_RUN, "teacher '%s' has changed since the cell began; run again", path);
    if (status == PB_OK)
        *network = teacher;
    else
        pb_network_free(&teacher);
    return status;
}

static enum pb_status copy_stage(struct pb_session *session, pb_stage stage, struct pb_network **network,
                                 struct pb_error *error)
{
    const struct pb_network *stored;
    const enum pb_status status = pb_session_network(session, stage, &stored, error);
    return status == PB_OK ? pb_network_copy(stored, network, error) : status;
}

enum pb_status pb_teacher_open(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                               char name[PB_TEACHER_NAME], struct pb_teacher *teacher, struct pb_error *error)
{
    const bool from_file = pb_link_learns_from_file(link);
    *teacher = (struct pb_teacher){0};
    if (!from_file && !link->to)
        return PB_OK;
    const enum pb_status status =
        from_file ? open_file(session, network, error) : copy_stage(session, link->to, network, error);
    if (status != PB_OK)
        return status;
    *teacher =
        (struct pb_teacher){.network = *network, .name = name, .file = from_file ? session->config->teacher : NULL};
    if (from_file)
        snprintf(name, PB_TEACHER_NAME, "checkpoint %.12s", session->chain.inputs.teacher);
    else
        teacher->name = session->chain.links[link->to - 1].name;
    return PB_OK;
}
