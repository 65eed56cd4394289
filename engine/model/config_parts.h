#ifndef RT_MODEL_CONFIG_PARTS_H
#define RT_MODEL_CONFIG_PARTS_H

/* What the files that read ratchet.yml share among themselves: config.c calls the others, in this order. */

#include "model/config.h"
#include "model/keys.h"

extern const struct rt_key rt_config_check_keys[], rt_config_json_keys[];

/* Reads one item of `checks` into a zeroed check, defaults included. */
int rt_config_read_check(const struct rt_reading_of *file, const struct rt_yaml *node,
			 struct rt_check *check) RT_MUST_USE;
void rt_config_release_check(struct rt_check *check);

/* `report:` in any of its forms. */
int rt_config_read_report(const struct rt_reading_of *file, const struct rt_yaml *node, void *check) RT_MUST_USE;
/* What a report must be for the check's kind, and that something writes it. node is the check's mapping. */
int rt_config_verify_report(const struct rt_reading_of *file, const struct rt_yaml *node,
			    const struct rt_check *check) RT_MUST_USE;

/* What only all checks together show: names, needs, axes, {{names}}; adds inherited axes. root is the document. */
int rt_config_verify(const struct rt_reading_of *file, const struct rt_yaml *root,
		     struct rt_config *config) RT_MUST_USE;

void rt_pairs_add(struct rt_pairs *pairs, const char *name, const char *value);
void rt_pairs_release(struct rt_pairs *pairs);

#endif
