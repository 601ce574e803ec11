/* A schedule that comes with the harness, over verbs that only note what they were asked for. */
#ifndef PB_TEST_NOTED_RUN_H
#define PB_TEST_NOTED_RUN_H

#include <prunebench/schedule.h>

#include "support/built_plugin.h"

/*
 * Base training of 60 epochs; targets 20, 40, 60 % with 30, 80, 150 epochs. object: the file's part behind "schedule-". Verb number
 * fail_at fails. The network has three groups of 10, 20 and 5 channels; it costs their sum in parameters, and in MACs the products of
 * neighbours; pruning keeps the same share of each, whatever that costs. asked: "train 60; score; prune 0.6; train 150; ".
 */
enum { NOTED_SIZE = 2048 };
enum pb_status noted_run(const char *object, const char *name, const struct given *given, uint32_t given_count,
                         uint32_t measure, int fail_at, char asked[NOTED_SIZE]);

#endif
