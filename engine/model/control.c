#include "model/control.h"

#include <string.h>

#include "model/glob.h"

/* Each was tried with the version that preset.c names, jest and vitest excepted. */
static const struct rt_control controls[] = {
    {
	.preset = "pytest",
	.samples = {"**/test_*.py", "**/*_test.py"},
	.name = "test_%.py",
	.passes = "def test_%pass():\n    assert 1 + 1 == 2\n",
	.fails = "\n\ndef test_%fail():\n    assert 1 + 1 == 3\n",
    },
    {
	.preset = "node",
	.samples = {"**/*.test.js", "**/*.test.mjs", "**/*.test.cjs", "**/test/**/*.js", "**/test/**/*.mjs",
		    "**/test.js", "**/test.mjs"},
	.name = "%.test*",
	.passes = "import('node:test').then(({ test }) => {\n\ttest('%pass', () => {});\n});\n",
	.fails = "import('node:test').then(({ test }) => {\n"
		 "\ttest('%fail', () => { throw new Error('1 + 1 is not 3'); });\n"
		 "});\n",
    },
    {
	.preset = "jest",
	.samples = {"**/*.test.js", "**/*.test.ts", "**/*.test.jsx", "**/*.test.tsx", "**/*.spec.js", "**/*.spec.ts",
		    "**/__tests__/**/*.js", "**/__tests__/**/*.ts"},
	.name = "%.test*",
	.passes = "test('%pass', () => { expect(1 + 1).toBe(2); });\n",
	.fails = "test('%fail', () => { expect(1 + 1).toBe(3); });\n",
    },
    {
	.preset = "vitest",
	.samples = {"**/*.test.js", "**/*.test.ts", "**/*.test.mjs", "**/*.test.tsx", "**/*.spec.js", "**/*.spec.ts"},
	.name = "%.test*",
	.passes = "import { test, expect } from 'vitest';\ntest('%pass', () => { expect(1 + 1).toBe(2); });\n",
	.fails = "test('%fail', () => { expect(1 + 1).toBe(3); });\n",
    },
    {
	.preset = "go",
	.samples = {"**/*_test.go"},
	.name = "%_test.go",
	.passes = "+\n\nimport \"testing\"\n\nfunc Test_%pass(t *testing.T) {}\n",
	.fails = "\nfunc Test_%fail(t *testing.T) { t.Fail() }\n",
    },
    {
	.preset = "cargo",
	.samples = {"**/Cargo.toml"},
	.name = "tests/%.rs",
	.passes = "#[test]\nfn %pass() {\n    assert_eq!(1 + 1, 2);\n}\n",
	.fails = "\n#[test]\nfn %fail() {\n    assert_eq!(1 + 1, 3);\n}\n",
    },
    {
	.preset = "prove",
	.samples = {"**/*.t"},
	.name = "%.t",
	.passes = "print \"ok 1 - %pass\\n\";\n",
	.fails = "print \"not ok 2 - %fail\\n\";\n",
	.end = "print \"1..1\\n\";\n",
	.end_failing = "print \"1..2\\n\";\nexit 1;\n",
    },
    {
	.preset = "bats",
	.samples = {"**/*.bats"},
	.name = "%.bats",
	.passes = "@test \"%pass\" {\n\ttrue\n}\n",
	.fails = "\n@test \"%fail\" {\n\tfalse\n}\n",
    },
};

const struct rt_control *
rt_control_find(const char *preset)
{
	for (size_t i = 0; i < RT_COUNT(controls); i++)
		if (!strcmp(controls[i].preset, preset))
			return &controls[i];
	return NULL;
}

bool
rt_control_samples(const struct rt_control *control, const char *path)
{
	for (size_t i = 0; i < RT_COUNT(control->samples) && control->samples[i]; i++)
		if (rt_glob_match(control->samples[i], path))
			return true;
	return false;
}

/* The line of the sample that begins with the word `package`. */
static void
add_package(struct rt_buf *out, const struct rt_buf *sample)
{
	const char *line = sample->data;
	while (line && strncmp(line, "package ", 8) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (line)
		rt_buf_add(out, line, strcspn(line, "\r\n"));
}

static void
fill(const char *template, const char *name, const char *extension, const struct rt_buf *sample, struct rt_buf *out)
{
	for (const char *c = template; *c; c++) {
		if (*c == '%')
			rt_buf_adds(out, name);
		else if (*c == '*' && extension)
			rt_buf_adds(out, extension);
		else if (*c == '+' && c == template)
			add_package(out, sample);
		else
			rt_buf_addc(out, *c);
	}
}

void
rt_control_make(const struct rt_control *control, const char *sample, const struct rt_buf *sample_text,
		const char *name, bool failing, struct rt_buf *path, struct rt_buf *text)
{
	const char *end = failing ? control->end_failing : control->end;
	const char *slash = strrchr(sample, '/'), *dot = strrchr(slash ? slash : sample, '.');

	if (slash)
		rt_buf_add(path, sample, (size_t)(slash - sample) + 1);
	fill(control->name, name, dot ? dot : "", sample_text, path);
	fill(control->passes, name, NULL, sample_text, text);
	if (failing)
		fill(control->fails, name, NULL, sample_text, text);
	rt_buf_adds(text, end ? end : "");
}
