#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "model/config.h"

static struct rt_config config;

static void
set_up(void)
{
	config = (struct rt_config)RT_CONFIG_INIT;
}

static void
tear_down(void)
{
	rt_config_release(&config);
}

TestSuite(config, .init = set_up, .fini = tear_down);

static void
accepts(const char *text)
{
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err), 0, "%u:%u: %s", err.line,
		     err.column, err.text);
}

/* The error stands at line and column, and its text holds part. */
static void
refuses(const char *text, unsigned line, unsigned column, const char *part)
{
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err), -1, "accepted: %s", text);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_str_eq(err.file, "ratchet.yml");
	cr_assert_not_null(strstr(err.text, part), "no `%s` in `%s`", part, err.text);
	cr_assert(err.line == line && err.column == column, "at %u:%u: %s", err.line, err.column, err.text);
	rt_config_release(&config);
}

#define HEAD "version: 1\nchecks:\n- name: unit\n"
#define UNIT HEAD "  run: make check\n"

static const struct rt_check *
check(size_t i)
{
	return &config.checks.at[i];
}

Test(config, smallest_file_has_every_default)
{
	accepts(UNIT);
	cr_assert_null(config.target);
	cr_assert_str_eq(config.dir, ".ratchet");
	cr_assert_eq(config.isolation, RT_ISOLATION_AUTO);
	cr_assert_eq(config.jobs, 0);
	cr_assert_eq(config.guard, RT_GUARD_REPORT);
	cr_assert_eq(config.probation, 1);
	cr_assert_eq(config.checks.n, 1);
	cr_assert_str_eq(check(0)->shell, "make check");
	cr_assert_str_eq(check(0)->report.format, "exit");
	cr_assert_eq(check(0)->kind, RT_KIND_CASES);
	cr_assert_eq(check(0)->min_cases, 1);
	cr_assert_eq(check(0)->timeout_ms, 600000);
	cr_assert_eq(check(0)->silence_ms, 0);
	cr_assert_eq(check(0)->network, RT_NETWORK_LOOPBACK);
	cr_assert_not(check(0)->has_inputs);
	cr_assert_not(check(0)->warm);
	cr_assert_eq(check(0)->line, 3);
}

Test(config, every_top_level_key_is_read)
{
	accepts("version: 1\ntarget: main\ndir: .\nisolation: strict\njobs: 2\nsupport: [\"tests/**\", conftest.py]\n"
		"watch: [meson.build]\ntools: [\"~/.cargo/bin\", /opt/x]\ncaches: [\"~/go/pkg/mod\"]\n"
		"axes: {cc: [gcc, clang], san: [none, address]}\nexclude: [{cc: gcc, san: address}]\n"
		"guard: refuse\nprobation: 3\nassertions: strict\nsupport_changes: strict\n"
		"submodules: none\n"
		"checks: [{name: unit, run: make}]\n");
	cr_assert_str_eq(config.target, "main");
	cr_assert_str_eq(config.dir, ".");
	cr_assert_eq(config.isolation, RT_ISOLATION_STRICT);
	cr_assert_eq(config.jobs, 2);
	cr_assert_str_eq(config.support.at[1], "conftest.py");
	cr_assert_str_eq(config.watch.at[0], "meson.build");
	cr_assert_str_eq(config.tools.at[0], "~/.cargo/bin");
	cr_assert_str_eq(config.caches.at[0], "~/go/pkg/mod");
	cr_assert_str_eq(config.axes.at[1].name, "san");
	cr_assert_str_eq(config.axes.at[1].values.at[1], "address");
	cr_assert_str_eq(config.exclude.at[0].at[1].value, "address");
	cr_assert_eq(config.guard, RT_GUARD_REFUSE);
	cr_assert_eq(config.probation, 3);
	cr_assert(config.assertions_strict);
	cr_assert(config.support_strict);
	cr_assert(config.no_submodules);
}

Test(config, every_key_of_a_check_is_read)
{
	accepts("version: 1\naxes: {cc: [gcc]}\nchecks:\n"
		"- {name: deps, kind: prepare, run: [npm, ci], network: host, inputs: [package.json], "
		"untrusted_inputs: allow}\n"
		"- name: unit\n  needs: [deps]\n  axes: [cc]\n  run: CC={{cc}} make\n  report: {junit: 'out/*.xml'}\n"
		"  timeout: 90s\n  silence_timeout: 5m\n  min_cases: 7\n  fast: true\n  nested: true\n  env: {TZ: UTC, "
		"EMPTY: ''}\n"
		"  workspace: warm\n  confirm: clean\n  was: old-unit\n  rerun: make one T={{case}}\n");
	cr_assert_eq(check(0)->kind, RT_KIND_PREPARE);
	cr_assert_str_eq(check(0)->argv.at[1], "ci");
	cr_assert_null(check(0)->shell);
	cr_assert_eq(check(0)->network, RT_NETWORK_HOST);
	cr_assert(check(0)->has_inputs);
	cr_assert(check(0)->untrusted_inputs);
	cr_assert_str_eq(check(1)->needs.at[0], "deps");
	cr_assert_str_eq(check(1)->report.format, "junit");
	cr_assert_str_eq(check(1)->report.path, "out/*.xml");
	cr_assert_eq(check(1)->timeout_ms, 90000);
	cr_assert_eq(check(1)->silence_ms, 300000);
	cr_assert_eq(check(1)->min_cases, 7);
	cr_assert(check(1)->fast && check(1)->nested && check(1)->warm && check(1)->confirm_clean);
	cr_assert_str_eq(check(1)->env.at[1].value, "");
	cr_assert_str_eq(check(1)->was, "old-unit");
	cr_assert_str_eq(check(1)->rerun, "make one T={{case}}");
}

Test(config, metric_has_direction_margin_and_samples)
{
	accepts(HEAD
		"  kind: metric\n  run: size -A x\n  report: {regex: '^\\.text\\s+(\\d+)'}\n  better: lower\n"
		"  margin: 0.5%\n  samples: 9\n  record_on: [bench1]\n"
		"- {name: speed, kind: metric, run: x, report: {json: /a/b}, better: higher, margin: '0.005'}\n"
		"- {name: size, kind: metric, run: x, report: {json: {file: o.json, pointer: /n}}, better: lower}\n");
	cr_assert_str_eq(check(0)->report.pattern, "^\\.text\\s+(\\d+)");
	cr_assert_eq(check(0)->report.streams, RT_STREAMS_OUT);
	cr_assert_not(check(0)->higher_better);
	cr_assert_float_eq(check(0)->margin, 0.005, 1e-12);
	cr_assert_eq(check(0)->samples, 9);
	cr_assert_eq(check(0)->min_cases, 0);
	cr_assert_str_eq(check(0)->record_on.at[0], "bench1");
	cr_assert(check(1)->higher_better);
	cr_assert_float_eq(check(1)->margin, 0.005, 1e-12);
	cr_assert_str_eq(check(1)->report.pattern, "/a/b");
	cr_assert_str_eq(check(2)->report.path, "o.json");
	cr_assert_eq(check(2)->report.streams, RT_STREAMS_NONE);
	cr_assert_eq(check(2)->samples, 1);
}

Test(config, report_has_four_forms)
{
	accepts(
	    HEAD
	    "  run: a\n  report: exit\n- {name: b, run: b, report: pytest}\n- {name: c, run: c, report: {tap: "
	    "stdout}}\n"
	    "- {name: d, run: d, report: {junit: build/r.xml}}\n- {name: e, run: 'e -o {{report}}', report: junit}\n"
	    "- {name: f, run: f, env: {OUT: '{{report}}'}, report: tap}\n");
	cr_assert_str_eq(check(1)->report.format, "pytest");
	cr_assert_eq(check(2)->report.streams, RT_STREAMS_OUT);
	cr_assert_null(check(2)->report.path);
	cr_assert_str_eq(check(3)->report.path, "build/r.xml");
	cr_assert_null(check(4)->report.path);
}

Test(config, a_report_is_on_either_stream_and_a_compilers_on_both)
{
	accepts(HEAD "  kind: findings\n  run: x\n  report: {cppcheck: stderr}\n"
		     "- {name: b, kind: findings, run: x, report: {gcc: stdout}}\n"
		     "- {name: c, kind: findings, run: x, report: {gcc: stderr}}\n");
	cr_assert_eq(check(0)->report.streams, RT_STREAMS_ERR);
	cr_assert_null(check(0)->report.path);
	cr_assert_eq(check(1)->report.streams, RT_STREAMS_BOTH);
	cr_assert_eq(check(2)->report.streams, RT_STREAMS_BOTH);
}

Test(config, was_may_name_axes)
{
	accepts(
	    "version: 1\naxes: {cc: [gcc]}\nchecks: [{name: a, run: x, axes: [cc], was: {cc: gcc-11, san: none}}]\n");
	cr_assert_null(check(0)->was);
	cr_assert_str_eq(check(0)->was_axes.at[0].value, "gcc-11");
	cr_assert_str_eq(check(0)->was_axes.at[1].name, "san");
}

Test(config, check_inherits_the_axes_of_what_it_needs)
{
	accepts("version: 1\naxes: {b: [x], a: [y], c: [z]}\nchecks:\n- {name: t, run: x, needs: [m], axes: [a]}\n"
		"- {name: m, run: x, needs: [l]}\n- {name: l, run: x, axes: [c, b]}\n");
	cr_assert_eq(check(0)->axes.n, 3);
	cr_assert_str_eq(check(0)->axes.at[0], "a");
	cr_assert_str_eq(check(0)->axes.at[1], "b");
	cr_assert_str_eq(check(0)->axes.at[2], "c");
	cr_assert_eq(check(1)->axes.n, 2);
}

Test(config, off_and_no_stay_text)
{
	accepts("version: 1\naxes: {opt: [off, no, 1.0]}\nchecks: [{name: no, run: 'yes', axes: [opt], "
		"silence_timeout: off}]\n");
	cr_assert_str_eq(config.axes.at[0].values.at[0], "off");
	cr_assert_str_eq(config.axes.at[0].values.at[2], "1.0");
	cr_assert_str_eq(check(0)->name, "no");
}

Test(config, version_is_needed_and_must_be_known)
{
	refuses("checks: [{name: a, run: b}]\n", 1, 1, "version: 1");
	refuses("\nversion: 2\nchekcs: []\n", 2, 10, "newer ratchet");
	refuses("version: 1.0\nchecks: [{name: a, run: b}]\n", 1, 10, "`1.0`");
}

Test(config, nothing_to_judge_is_an_error)
{
	refuses("version: 1\n", 1, 1, "`checks` is missing");
	refuses("version: 1\nchecks: []\n", 2, 9, "nothing would be judged");
	refuses("version: 1\nchecks:\n", 2, 8, "a list");
	refuses("", 1, 1, "version");
	refuses("- a\n", 1, 1, "the configuration is a mapping");
}

Test(config, unknown_key_names_the_nearest)
{
	refuses("version: 1\nisolatoin: none\nchecks: []\n", 2, 1, "did you mean `isolation`?");
	refuses(HEAD "  rnu: make\n", 4, 3, "unknown key `rnu` in a check; did you mean `run`?");
	refuses(HEAD "  colour: red\n", 4, 3, "known: name, kind, needs");
	refuses(HEAD "  kind: metric\n  run: a\n  report: {json: {fle: a, pointer: /b}}\n", 6, 19,
		"did you mean `file`?");
}

Test(config, wrong_types_say_what_was_expected)
{
	refuses(HEAD "  run: {a: b}\n", 4, 8, "not a mapping");
	refuses(HEAD "  run: []\n", 4, 8, "empty list");
	refuses(HEAD "  run: ''\n", 4, 8, "run is empty");
	refuses(UNIT "  needs: build\n", 5, 10, "write [ ] around it");
	refuses(UNIT "  fast: yes\n", 5, 9, "`yes` is not false or true");
	refuses(UNIT "  timeout: [10m]\n", 5, 12, "leave out the brackets");
	refuses(UNIT "  timeout: soon\n", 5, 12, "`10m`");
	refuses(UNIT "  timeout: 0\n", 5, 12, "1ms to 7d");
	refuses(UNIT "  timeout: 8d\n", 5, 12, "1ms to 7d");
	refuses(UNIT "  network: lan\n", 5, 12, "loopback, none or host");
	refuses(UNIT "  env: {A: [b]}\n", 5, 12, "single value");
	refuses(UNIT "  env: {A-B: c}\n", 5, 9, "environment variable");
	refuses("version: 1\njobs: many\nchecks: []\n", 2, 7, "from 1 to 1024");
	refuses("version: 1\njobs: 0\nchecks: []\n", 2, 7, "from 1 to 1024");
	refuses("version: 1\nchecks: [make]\n", 2, 10, "a check is a mapping");
}

Test(config, yaml_mistakes_have_a_place)
{
	refuses("version: 1\nsupport: [*.py]\nchecks: []\n", 2, 11, "begins with *");
	refuses("version: 1\nversion: 1\nchecks: []\n", 2, 1, "version");
}

Test(config, check_needs_a_valid_name)
{
	refuses("version: 1\nchecks: [{run: x}]\n", 2, 10, "without `name`");
	refuses("version: 1\nchecks: [{name: a b, run: x}]\n", 2, 17, "A-Z a-z 0-9 _ . -");
	refuses("version: 1\nchecks: [{name: 'a/b', run: x}]\n", 2, 17, "A-Z a-z 0-9 _ . -");
	refuses("version: 1\nchecks: [{name: aux, run: x}]\n", 2, 17, "a device on Windows");
	refuses(UNIT "- name: unit\n  run: y\n", 5, 9, "stands twice, first in line 3");
	refuses(UNIT "- name: Unit\n  run: y\n", 5, 9, "differ in case alone");
}

Test(config, run_is_needed)
{
	refuses(HEAD, 3, 3, "check `unit` has no `run`");
}

Test(config, needs_must_exist)
{
	refuses(UNIT "  needs: [biuld]\n- {name: build, run: x}\n", 5, 11,
		"needs `biuld`, which does not exist; did you mean `build`?");
	refuses(UNIT "  needs: [b, b]\n- {name: b, run: x}\n", 5, 14, "twice");
}

Test(config, cycle_of_needs_is_spelled_out)
{
	refuses(UNIT "  needs: [unit]\n", 5, 10, "unit -> unit");
	refuses("version: 1\nchecks:\n- {name: z, run: x, needs: [a]}\n- {name: a, run: x, needs: [b]}\n"
		"- {name: b, run: x, needs: [c]}\n- {name: c, run: x, needs: [a]}\n",
		6, 28, "needs form a cycle: a -> b -> c -> a");
}

Test(config, axes_must_be_declared)
{
	refuses("version: 1\naxes: {cc: [gcc]}\nchecks: [{name: a, run: x, axes: [c]}]\n", 3, 35,
		"axis `c` is not declared");
	refuses("version: 1\naxes: {cc: [gcc]}\nchecks: [{name: a, run: x, axes: [cc, cc]}]\n", 3, 39, "twice");
	refuses("version: 1\naxes: {cc: []}\nchecks: []\n", 2, 12, "no values");
	refuses("version: 1\naxes: {cc: [gcc, gcc]}\nchecks: []\n", 2, 18, "twice");
	refuses("version: 1\naxes: {cc: ['a b']}\nchecks: []\n", 2, 13, "A-Z a-z 0-9 _ . -");
	refuses("version: 1\naxes: {report: [a]}\nchecks: []\n", 2, 8, "{{report}} means something else");
}

Test(config, exclude_must_name_known_axes_and_values)
{
	static const char tail[] = "\nchecks: [{name: a, run: x, axes: [cc]}]\n";
	rt_auto(free) char *axis = rt_format("version: 1\naxes: {cc: [gcc]}\nexclude: [{cd: gcc}]%s", tail);
	rt_auto(free) char *value = rt_format("version: 1\naxes: {cc: [gcc]}\nexclude: [{cc: gc}]%s", tail);
	rt_auto(free) char *none = rt_format("version: 1\naxes: {cc: [gcc]}\nexclude: [{}]%s", tail);

	refuses(axis, 3, 12, "did you mean `cc`?");
	refuses(value, 3, 16, "axis `cc` has no value `gc`; did you mean `gcc`?");
	refuses(none, 3, 11, "excludes everything");
}

Test(config, prepare_with_network_needs_inputs)
{
	refuses(UNIT "  kind: prepare\n  network: host\n", 6, 12, "add `inputs:`");
	accepts(UNIT "  kind: prepare\n  network: host\n  inputs: [package.json]\n");
}

Test(config, min_cases_zero_is_refused_for_cases)
{
	refuses(UNIT "  min_cases: 0\n", 5, 14, "would make a run that executes no case green");
	refuses(UNIT "  min_cases: 2\n", 5, 14, "exit yields one case");
	refuses(UNIT "  kind: prepare\n  min_cases: 1\n", 6, 14, "kind: prepare has none");
	accepts(UNIT "  kind: prepare\n  min_cases: 0\n");
}

Test(config, metric_needs_direction_and_number)
{
	refuses(UNIT "  kind: metric\n  report: {regex: '(1)'}\n", 3, 3, "better: lower");
	refuses(UNIT "  kind: metric\n  better: lower\n", 3, 3, "needs a report that yields numbers");
	refuses(UNIT "  kind: metric\n  better: lower\n  report: {junit: a.xml}\n", 7, 11, "not junit");
	refuses(UNIT "  report: {regex: '(1)'}\n", 5, 11, "add `kind: metric`");
	refuses(UNIT "  report: {sarif: a.sarif}\n", 5, 11, "add `kind: findings`");
	refuses(UNIT "  kind: findings\n", 3, 3, "sarif");
	refuses(UNIT "  margin: 1%\n", 5, 11, "only for kind: metric");
}

Test(config, margin_is_a_share)
{
	static const char head[] = UNIT "  kind: metric\n  better: lower\n  report: {json: /a}\n";
	rt_auto(free) char *word = rt_format("%s  margin: big\n", head);
	rt_auto(free) char *whole = rt_format("%s  margin: 100%%\n", head);
	rt_auto(free) char *negative = rt_format("%s  margin: -1%%\n", head);

	refuses(word, 8, 11, "`0.5%` or `0.005`");
	refuses(whole, 8, 11, "from 0 to below 1");
	refuses(negative, 8, 11, "from 0 to below 1");
}

Test(config, unknown_report_lists_what_exists)
{
	refuses(UNIT "  report: junti\n", 5, 11, "did you mean `junit`?");
	refuses(UNIT "  report: surefire-xml\n", 5, 11,
		"exit, junit, tap, meson, gojson, libtest, criterion, ctrf, gtest, ratchet.v1, regex, json, hyperfine");
	refuses(UNIT "  report: {xml: a}\n", 5, 12, "unknown report format `xml`");
	refuses(UNIT "  report: {junit: a, tap: b}\n", 5, 11, "one format and its place");
	refuses(UNIT "  report: {exit: a}\n", 5, 12, "no place");
	refuses(UNIT "  report: regex\n", 5, 11, "needs its expression");
	refuses(UNIT "  report: {regex: '(a'}\n", 5, 19, "regex:");
	refuses(UNIT "  kind: metric\n  better: lower\n  report: {regex: 'a+'}\n", 7, 11, "no group");
	refuses(UNIT "  report: {json: a/b}\n", 5, 18, "JSON pointer");
}

Test(config, report_that_nothing_writes_is_refused)
{
	refuses(UNIT "  report: junit\n", 5, 11, "put {{report}} into `run`");
	refuses(UNIT "  report: ctest\n", 5, 11, "put {{report}} into `run`");
	refuses(UNIT "  report: {junit: '{{report}}'}\n", 5, 19, "itself the path");
}

Test(config, unknown_braces_are_refused_where_they_stand)
{
	refuses(HEAD "  run: CC={{cc}} make\n", 4, 8, "unknown {{cc}} in check `unit`");
	refuses(HEAD "  run: [make, '{{cc}}']\n", 4, 15, "unknown {{cc}}");
	refuses(UNIT "  env: {CC: '{{cc}}'}\n", 5, 13, "unknown {{cc}}");
	refuses(UNIT "  report: {junit: '{{cc}}.xml'}\n", 5, 19, "unknown {{cc}}");
	refuses(HEAD "  run: make {{case}}\n", 4, 8, "unknown {{case}}");
	refuses("version: 1\naxes: {cc: [gcc]}\nchecks: [{name: a, run: '{{cc}}'}]\n", 3, 25,
		"not multiplied by that axis");
	accepts(HEAD "  run: go list -f '{{ .Dir }}'\n");
}

Test(config, patterns_are_relative_to_the_root)
{
	refuses("version: 1\nsupport: [/tests]\nchecks: []\n", 2, 11, "leading /");
	refuses("version: 1\nwatch: [./a]\nchecks: []\n", 2, 9, "leading ./");
	refuses(UNIT "  inputs: [../a]\n", 5, 12, ".. matches nothing");
	refuses(UNIT "  inputs: ['!a']\n", 5, 12, "no negation");
	refuses(UNIT "  inputs: []\n", 5, 11, "whole tree");
}

Test(config, target_is_a_branch_name)
{
	refuses("version: 1\ntarget: refs/heads/main\nchecks: []\n", 2, 9, "full ref");
	refuses("version: 1\ntarget: a..b\nchecks: []\n", 2, 9, "no branch name");
	refuses("version: 1\ntarget: -f\nchecks: []\n", 2, 9, "no branch name");
	refuses("version: 1\ntarget: a.lock\nchecks: []\n", 2, 9, "no branch name");
}

Test(config, dir_stays_in_the_repository)
{
	refuses("version: 1\ndir: ../x\nchecks: []\n", 2, 6, "below the repository's root");
	refuses("version: 1\ndir: /x\nchecks: []\n", 2, 6, "absolute");
	refuses("version: 1\ndir: .git\nchecks: []\n", 2, 6, ".git");
	accepts("version: 1\ndir: ci/gate/\nchecks: [{name: a, run: x}]\n");
	cr_assert_str_eq(config.dir, "ci/gate");
}

Test(config, tools_never_hold_the_home_directory)
{
	refuses("version: 1\ntools: [\"~\"]\nchecks: []\n", 2, 9, "home directory");
	refuses("version: 1\ncaches: [/]\nchecks: []\n", 2, 10, "home directory");
	refuses("version: 1\ntools: [bin]\nchecks: []\n", 2, 9, "absolute or begin with ~/");
}

Test(config, was_names_the_axis_and_not_its_new_value)
{
	refuses("version: 1\naxes: {cc: [gcc, clang]}\nchecks: [{name: a, run: x, axes: [cc], was: {gcc: gcc-11}}]\n",
		3, 45, "write {cc: gcc-11}");
}

Test(config, was_names_something_gone)
{
	refuses(UNIT "- {name: b, run: x, was: unit}\n", 5, 26, "still a check");
	refuses(UNIT "  was: old\n- {name: b, run: x, was: old}\n", 6, 26, "both `unit` and `b`");
	refuses(UNIT "  was: a b\n", 5, 8, "no name of a check");
}

Test(config, confirm_goes_with_a_warm_workspace)
{
	refuses(UNIT "  confirm: clean\n", 5, 12, "workspace: warm");
}

Test(config, git_is_true_false_or_a_number_of_generations)
{
	accepts(UNIT "  git: true\n- {name: b, run: x, git: 7}\n- {name: c, run: x, git: false}\n");
	cr_assert_eq(check(0)->git, 50);
	cr_assert_eq(check(1)->git, 7);
	cr_assert_eq(check(2)->git, 0);
}

Test(config, git_takes_no_other_word)
{
	refuses(UNIT "  git: yes\n", 5, 8, "true, false or a number");
}

Test(config, git_excludes_inputs)
{
	refuses(UNIT "  git: true\n  inputs: [a]\n", 5, 8, "leave out `git` or `inputs`");
}

Test(config, what_needs_a_check_with_git_sees_the_same_repository)
{
	accepts(UNIT "  git: 9\n- {name: b, run: x, needs: [unit], inputs: [a]}\n");
	cr_assert_eq(check(1)->git, 9);
}

Test(config, git_excludes_a_warm_workspace)
{
	refuses(UNIT "  git: 9\n- {name: b, run: x, needs: [unit], workspace: warm}\n", 6, 47,
		"leave out one of the two");
}

Test(config, trusted_inputs_are_known_by_path)
{
	accepts(UNIT);
	cr_assert(rt_config_trusted(&config, "ratchet.yml"));
	cr_assert(rt_config_trusted(&config, ".ratchet/policies/a.yml"));
	cr_assert(rt_config_trusted(&config, ".ratchet/baseline/unit.tsv"));
	cr_assert(rt_config_trusted(&config, ".ratchet/baseline"));
	cr_assert(rt_config_trusted(&config, ".ratchet"));
	cr_assert_not(rt_config_trusted(&config, ".ratchet/notes"));
	cr_assert_not(rt_config_trusted(&config, ".ratchet/baselines/x"));
	cr_assert_not(rt_config_trusted(&config, ".rat"));
	cr_assert_not(rt_config_trusted(&config, "sub/ratchet.yml"));
	cr_assert(rt_config_in_baseline(&config, ".ratchet/baseline/unit.tsv"));
	cr_assert_not(rt_config_in_baseline(&config, ".ratchet/policies/a.yml"));
}

Test(config, dir_dot_puts_the_folders_at_the_root)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;

	accepts("version: 1\ndir: .\nchecks: [{name: a, run: x}]\n");
	rt_config_path(&config, "baseline/a.tsv", &path);
	cr_assert_str_eq(path.data, "baseline/a.tsv");
	cr_assert(rt_config_trusted(&config, "policies/allowed_signers"));
	cr_assert_not(rt_config_trusted(&config, "engine"));
}

Test(config, check_is_found_by_name)
{
	accepts(UNIT "- {name: b, run: x}\n");
	cr_assert_eq(rt_config_check(&config, "b"), check(1));
	cr_assert_null(rt_config_check(&config, "c"));
}

Test(config, garbage_never_half_parses)
{
	refuses("\xff\xfe", 1, 1, "");
	refuses("version: 1\nchecks: [{name: a, run: x}]\n---\nversion: 1\n", 3, 1, "");
}

Test(config, budget_is_a_share_since_a_revision)
{
	accepts(HEAD "  kind: metric\n  run: x\n  report: {json: /a}\n  better: lower\n  margin: 1%\n  samples: 9\n"
		     "  budget: 5% since v1.0\n");
	cr_assert_float_eq(check(0)->budget, 0.05, 1e-12);
	cr_assert_str_eq(check(0)->anchor, "v1.0");
}

Test(config, budget_needs_pairs_a_revision_and_room_for_the_margin)
{
	static const char head[] = UNIT "  kind: metric\n  better: lower\n  report: {json: /a}\n  margin: 2%\n";
	rt_auto(free) char *when = rt_format("%s  samples: 9\n  budget: 5%%\n", head);
	rt_auto(free) char *option = rt_format("%s  samples: 9\n  budget: 5%% since --all\n", head);
	rt_auto(free) char *small = rt_format("%s  samples: 9\n  budget: 1%% since v1\n", head);
	rt_auto(free) char *single = rt_format("%s  budget: 5%% since v1\n", head);

	refuses(when, 10, 11, "does not say since when");
	refuses(option, 10, 11, "does not say since when");
	refuses(small, 10, 11, "at least the margin");
	refuses(single, 9, 11, "a budget is for what is measured in pairs");
}
