#include <criterion/criterion.h>
#include <string.h>

#include "model/config.h"
#include "model/preset.h"

Test(preset, is_found_by_name)
{
	cr_assert_str_eq(rt_preset_find("pytest")->format, "junit");
	cr_assert_null(rt_preset_find("junit"));
	cr_assert_null(rt_preset_find(""));
}

Test(preset, every_format_exists)
{
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++)
		cr_assert_not_null(rt_report_format_find(preset->format), "%s", preset->name);
}

/* A preset whose command writes no report would be inconclusive for ever. */
Test(preset, every_report_has_a_place)
{
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++) {
		bool named = preset->from_stdout || preset->path || strstr(preset->command, "{{report}}");
		for (size_t i = 0; preset->env[i]; i++)
			named |= strstr(preset->env[i], "{{report}}") != NULL;
		cr_assert(named, "%s", preset->name);
	}
}

Test(preset, every_command_is_a_valid_configuration)
{
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++) {
		rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
		rt_auto(free) char *text = rt_format("version: 1\nchecks:\n- name: a\n  run: '%s'\n  report: %s\n",
						     preset->command, preset->name);
		struct rt_err err = RT_ERR_INIT;
		cr_assert_eq(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err), 0, "%s: %s",
			     preset->name, err.text);
	}
}

Test(preset, environment_entries_are_assignments)
{
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++)
		for (size_t i = 0; preset->env[i]; i++)
			cr_assert_gt(strcspn(preset->env[i], "="), 0, "%s", preset->env[i]);
}

Test(preset, formats_say_what_they_observe)
{
	cr_assert(rt_report_format_find("junit")->cases);
	cr_assert(rt_report_format_find("regex")->metric);
	cr_assert(rt_report_format_find("sarif")->findings);
	cr_assert_not(rt_report_format_find("sarif")->cases);
	cr_assert_null(rt_report_format_find("pytest"));
}

Test(preset, exit_codes_mean_what_the_table_says)
{
	const struct rt_preset *pytest = rt_preset_find("pytest");

	cr_assert_eq(rt_preset_exit(pytest, 0), RT_EXIT_CLEAN);
	cr_assert_eq(rt_preset_exit(pytest, 1), RT_EXIT_FAILED);
	cr_assert_eq(rt_preset_exit(pytest, 5), RT_EXIT_NOTHING);
	cr_assert_eq(rt_preset_exit(pytest, 2), RT_EXIT_BROKEN);
	cr_assert_eq(rt_preset_exit(pytest, 4), RT_EXIT_BROKEN);
	cr_assert_eq(rt_preset_exit(pytest, 6), RT_EXIT_FAILED);
	cr_assert_eq(rt_preset_exit(rt_preset_find("nextest"), 101), RT_EXIT_BROKEN);
	cr_assert_eq(rt_preset_exit(rt_preset_find("nextest"), 4), RT_EXIT_NOTHING);
}

Test(preset, exit_codes_without_a_table_are_failures)
{
	cr_assert_eq(rt_preset_exit(NULL, 0), RT_EXIT_CLEAN);
	cr_assert_eq(rt_preset_exit(NULL, 1), RT_EXIT_FAILED);
	cr_assert_eq(rt_preset_exit(rt_preset_find("mocha"), 17), RT_EXIT_FAILED);
}

Test(preset, missing_program_is_always_broken)
{
	cr_assert_eq(rt_preset_exit(NULL, 127), RT_EXIT_BROKEN);
	cr_assert_eq(rt_preset_exit(NULL, 126), RT_EXIT_BROKEN);
	cr_assert_eq(rt_preset_exit(rt_preset_find("pytest"), 127), RT_EXIT_BROKEN);
}
