/* Whatever the bytes: a tree that keeps its promises, or an error with a position. */

#include <stdint.h>
#include <string.h>

#include "support/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct rt_yaml *node, unsigned level)
{
	size_t i;

	if (level > 64 || !node->line || !node->column)
		rt_bug("level %u at %u:%u", level, node->line, node->column);
	if (node->type == RT_YAML_SCALAR && (!node->text || node->n))
		rt_bug("scalar without text");
	for (i = 0; i < node->n; i++) {
		check(&node->values[i], level + 1);
		if (node->type == RT_YAML_SEQUENCE)
			continue;
		check(&node->keys[i], level + 1);
		if (rt_yaml_get(node, node->keys[i].text) != &node->values[i])
			rt_bug("key %s leads elsewhere", node->keys[i].text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rt_yaml *root = NULL;
	struct rt_err err = RT_ERR_INIT;

	if (!rt_yaml_parse(&root, (const char *)bytes, len, "fuzz.yml", &err))
		check(root, 1);
	else if (root || err.code != RT_ECONFIG || !err.text[0] || strcmp(err.file, "fuzz.yml") || !err.line)
		rt_bug("error without code, text or position: %u:%u %s", err.line, err.column, err.text);
	rt_yaml_free(root);
	return 0;
}
