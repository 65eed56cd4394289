#include <criterion/criterion.h>
#include <string.h>

#include "../git/box.h"
#include "cycle/detect.h"
#include "model/glob.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_found found;
static char *text; /* the ratchet.yml of what was found */
static struct rt_config config;
static char *path; /* where programs are looked up */

static void
setup(void)
{
	box_setup();
	path = rt_format("/usr/local/bin:/usr/bin:/bin:%s/home/tool/bin", box_root);
}

static void
teardown(void)
{
	rt_found_release(&found);
	rt_config_release(&config);
	free(rt_steal(&text));
	free(rt_steal(&path));
	box_teardown();
}

TestSuite(detect, .init = setup, .fini = teardown);

static void
write_and_parse(void)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	rt_found_write(&found, "main", false, &out);
	text = rt_buf_steal(&out);
	must(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err) == 0);
}

/* Recognises what lies in the work tree; the text is one that the configuration's reader takes. */
static void
detect_only(void)
{
	rt_auto(free) char *home = rt_format("%s/home", box_root);
	struct rt_toolbox toolbox = {path, home};
	struct rt_oid tree = sh_oid("git add -A . && git write-tree");

	must(rt_detect(&found, box_repo, &tree, &toolbox, &err) == 0);
}

static void
detect(void)
{
	detect_only();
	cr_assert_gt(found.checks.n, 0);
	write_and_parse();
}

static const struct rt_check *
check(const char *name)
{
	const struct rt_check *c = rt_config_check(&config, name);

	cr_assert_not_null(c, "no check %s in\n%s", name, text);
	return c;
}

#define expect_run(name, command) cr_expect_str_eq(check(name)->shell, command)
#define expect_holds(name, part) cr_expect_not_null(strstr(check(name)->shell, part), "%s", check(name)->shell)
#define expect_no_check(name) cr_expect_null(rt_config_check(&config, name))

static void
expect_deps(const char *name, const char *input)
{
	const struct rt_check *deps = check(name);

	cr_expect_eq(deps->kind, RT_KIND_PREPARE);
	cr_expect_eq(deps->network, RT_NETWORK_HOST);
	cr_expect(rt_strs_has(&deps->inputs, input), "%s", text);
}

/* ---- what is nothing ---- */

Test(detect, a_tree_without_anything_known_has_no_checks)
{
	sh("echo hello >README && mkdir -p a/b && echo x >a/b/c");
	detect_only();
	cr_expect_eq(found.checks.n, 0);
}

Test(detect, untracked_files_count_for_nothing)
{
	rt_auto(free) char *home = rt_format("%s/home", box_root);
	struct rt_toolbox toolbox = {path, home};

	sh("echo hello >README && git add README && echo 'module x' >go.mod");
	struct rt_oid tree = sh_oid("git write-tree");
	must(rt_detect(&found, box_repo, &tree, &toolbox, &err) == 0);
	cr_expect_eq(found.checks.n, 0);
}

Test(detect, a_manifest_in_node_modules_is_not_the_project)
{
	sh("mkdir -p node_modules/x && echo '{\"scripts\":{\"test\":\"jest\"}}' >node_modules/x/package.json");
	detect_only();
	cr_expect_eq(found.checks.n, 0);
}

/* ---- C ---- */

Test(detect, meson_has_a_build_and_its_tests)
{
	sh("mkdir tests && echo 'project(\"p\", \"c\")' >meson.build && echo 'test(\"t\", exe)' >tests/meson.build");
	detect();
	expect_run("build", "meson setup build && ninja -C build");
	expect_run("unit", "meson test -C build --no-rebuild --print-errorlogs");
	cr_expect_str_eq(check("unit")->report.format, "meson");
	cr_expect(rt_strs_has(&check("unit")->needs, "build"));
	cr_expect(rt_strs_has(&config.support, "**/tests/**"));
	cr_expect(rt_strs_has(&config.watch, "**/meson.build"));
	cr_expect_eq(config.tools.n, 0);
}

Test(detect, meson_without_tests_has_a_build_alone)
{
	sh("echo 'project(\"p\", \"c\")' >meson.build");
	detect();
	check("build");
	expect_no_check("unit");
}

Test(detect, a_tracked_build_folder_is_left_alone)
{
	sh("mkdir build && echo x >build/notes && echo 'project(\"p\", \"c\")' >meson.build");
	detect();
	expect_run("build", "meson setup ratchet-build && ninja -C ratchet-build");
}

Test(detect, meson_wraps_are_fetched_before)
{
	sh("mkdir subprojects && echo 'project(\"p\", \"c\")' >meson.build && echo '[wrap-git]' >subprojects/z.wrap");
	detect();
	expect_deps("deps", "subprojects/**");
	cr_expect(rt_strs_has(&check("build")->needs, "deps"));
}

Test(detect, cmake_runs_ctest_where_tests_are_enabled)
{
	sh("printf 'project(p C)\\nenable_testing()\\n' >CMakeLists.txt");
	detect();
	expect_run("build", "cmake -B build && cmake --build build --parallel \"$(nproc)\"");
	cr_expect_str_eq(check("unit")->report.format, "ctest");
	expect_holds("unit", "--output-junit {{report}}");
}

Test(detect, cmake_without_tests_has_a_build_alone)
{
	sh("echo 'project(p C)' >CMakeLists.txt");
	detect();
	expect_no_check("unit");
}

Test(detect, automake_results_become_cases)
{
	sh("echo AC_INIT >configure.ac && echo 'TESTS = a.sh' >Makefile.am");
	detect();
	expect_run("build", "autoreconf -fi && ./configure && make -j\"$(nproc)\"");
	expect_holds("unit", "make check; code=$?\n");
	cr_expect_str_eq(check("unit")->report.format, "tap");
}

Test(detect, autotools_go_before_make)
{
	sh("echo AC_INIT >configure.ac && touch configure && printf 'check:\\n\\ttrue\\n' >Makefile");
	detect();
	expect_holds("build", "./configure && make");
	expect_run("unit", "make check");
	cr_expect_eq(found.runners.n, 1);
}

Test(detect, make_takes_the_target_that_is_there)
{
	sh("printf 'all: x\\nx:\\n\\ttrue\\ntest : x\\n\\ttrue\\n' >Makefile");
	detect();
	expect_run("build", "make all");
	expect_run("unit", "make test");
	cr_expect_str_eq(check("unit")->report.format, "exit");
}

Test(detect, a_variable_is_no_target)
{
	sh("printf 'check := yes\\ntest = no\\n' >Makefile");
	detect_only();
	cr_expect_eq(found.checks.n, 0);
}

Test(detect, a_makefile_beside_something_else_is_not_run)
{
	sh("echo 'module m' >go.mod && printf 'test:\\n\\tgo test\\n' >Makefile");
	detect();
	cr_expect_eq(found.runners.n, 1);
	cr_expect_str_eq(found.runners.at[0], "go");
}

/* ---- cargo and go ---- */

Test(detect, cargo_without_crates_needs_no_network)
{
	sh("printf '[package]\\nname = \"x\"\\n' >Cargo.toml && printf '[[package]]\\nname = \"x\"\\n' >Cargo.lock");
	detect();
	expect_no_check("deps");
	expect_run("unit", "cargo test --offline --no-fail-fast -- -Z unstable-options --format json");
	cr_expect_str_eq(check("unit")->report.format, "cargo");
}

Test(detect, crates_of_a_registry_are_fetched)
{
	sh("printf '[package]\\nname = \"x\"\\n' >Cargo.toml && "
	   "printf '[[package]]\\nname = \"y\"\\nsource = \"registry+x\"\\n' >Cargo.lock");
	detect();
	expect_deps("deps", "Cargo.lock");
	expect_holds("deps", "cargo fetch --locked)");
	expect_holds("unit", "CARGO_HOME=$PWD/.cargo-home cargo test --offline");
}

Test(detect, crates_without_a_lock_file_are_seen_in_the_manifest)
{
	sh("printf '[package]\\nname = \"x\"\\n[dependencies]\\nserde = \"1\"\\n' >Cargo.toml");
	detect();
	expect_holds("deps", "cargo fetch); cp \"$t/Cargo.lock\" .");
}

Test(detect, vendored_crates_are_not_fetched)
{
	sh("mkdir .cargo && echo 'directory = \"vendor\"' >.cargo/config.toml && echo x >Cargo.toml && "
	   "printf '[[package]]\\nname = \"y\"\\nsource = \"registry+x\"\\n' >Cargo.lock");
	detect();
	expect_no_check("deps");
}

Test(detect, a_workspace_is_tested_whole)
{
	sh("printf '[workspace]\\nmembers = [\"a\"]\\n' >Cargo.toml && mkdir a && printf '[package]\\n' >a/Cargo.toml");
	detect();
	expect_holds("unit", "cargo test --workspace");
}

Test(detect, rustups_cargo_is_a_tool_without_its_credentials)
{
	rt_auto(free) char *dirs = rt_format("%s/home/.cargo/bin", box_root);

	sh("mkdir -p ../home/.cargo/bin ../home/.rustup && printf '#!/bin/sh\\n' >../home/.cargo/bin/cargo && "
	   "chmod +x ../home/.cargo/bin/cargo && echo x >Cargo.toml");
	free(path);
	path = rt_format("%s:/usr/bin", dirs);
	detect();
	cr_assert_eq(config.tools.n, 2);
	cr_expect_str_eq(config.tools.at[0], "~/.cargo/bin");
	cr_expect_str_eq(config.tools.at[1], "~/.rustup");
}

Test(detect, go_without_modules_needs_no_network)
{
	sh("echo 'module m' >go.mod && echo 'package m' >m_test.go");
	detect();
	expect_no_check("deps");
	expect_run("unit", "GOCACHE=$PWD/.gocache go test ./...");
	cr_expect_str_eq(check("unit")->report.format, "go");
	cr_expect(rt_strs_has(&config.support, "**/*_test.go"));
}

Test(detect, go_modules_are_downloaded)
{
	sh("echo 'module m' >go.mod && echo 'x v1 h1:' >go.sum");
	detect();
	expect_deps("deps", "**/go.sum");
	expect_holds("unit", "GOMODCACHE=$PWD/.gomodcache ");
	cr_expect_eq(config.caches.n, 0);
}

Test(detect, downloaded_go_modules_are_taken_from_the_operators_cache)
{
	sh("mkdir -p ../home/go/pkg/mod/cache/download && echo 'module m' >go.mod && echo 'x v1 h1:' >go.sum");
	detect();
	expect_holds("deps", "GOPROXY=file://$HOME/go/pkg/mod/cache/download,");
	cr_assert_eq(config.caches.n, 1);
	cr_expect_str_eq(config.caches.at[0], "~/go/pkg/mod/cache/download");
}

Test(detect, vendored_go_modules_are_not_downloaded)
{
	sh("mkdir vendor && echo '# x' >vendor/modules.txt && echo 'module m' >go.mod && echo 'x v1 h1:' >go.sum");
	detect();
	expect_no_check("deps");
}

/* ---- npm ---- */

Test(detect, node_test_runs_as_the_script_says)
{
	sh("echo '{\"scripts\":{\"test\":\"node --test test/\"}}' >package.json");
	detect();
	expect_run("unit", "node --test test/");
	cr_expect_str_eq(check("unit")->report.format, "node");
	expect_no_check("deps");
}

Test(detect, node_test_behind_a_build_goes_through_npm)
{
	sh("echo '{\"scripts\":{\"test\":\"tsc && node --test dist\"},\"devDependencies\":{\"typescript\":\"5\"}}' "
	   ">package.json && touch package-lock.json");
	detect();
	expect_run("unit", "npm test");
	cr_expect_str_eq(check("unit")->report.format, "node");
	expect_run("deps", "npm ci --ignore-scripts --no-audit --no-fund");
	expect_deps("deps", "package-lock.json");
	cr_expect(rt_strs_has(&check("unit")->needs, "deps"));
}

Test(detect, node_test_with_a_build_before_it_goes_through_npm)
{
	sh("echo '{\"scripts\":{\"pretest\":\"tsc\",\"test\":\"node --test dist/\"}}' >package.json");
	detect();
	expect_run("unit", "npm test");
	cr_expect_str_eq(check("unit")->report.format, "node");
}

Test(detect, jest_gets_a_reporter_where_it_has_none)
{
	sh("echo '{\"scripts\":{\"test\":\"jest\"},\"devDependencies\":{\"jest\":\"30\"}}' >package.json");
	detect();
	expect_holds("deps", "npm install --ignore-scripts");
	expect_holds("deps", "--prefix .ratchet-npm jest-junit@");
	expect_run("unit", "npx jest --ci --reporters=default --reporters=./.ratchet-npm/node_modules/jest-junit");
	cr_expect_str_eq(check("unit")->report.format, "jest");
}

Test(detect, jest_keeps_the_options_of_its_script)
{
	sh("echo '{\"scripts\":{\"test\":\"tsc && jest --config x.js\"},\"devDependencies\":{\"jest\":\"30\","
	   "\"jest-junit\":\"16\"}}' >package.json");
	detect();
	expect_run("unit", "npm test -- --ci --reporters=default --reporters=jest-junit");
	cr_expect_null(strstr(check("deps")->shell, "jest-junit"));
}

Test(detect, vitest_writes_its_report_by_flags)
{
	sh("echo '{\"scripts\":{\"test\":\"vitest\"},\"devDependencies\":{\"vitest\":\"4\"}}' >package.json");
	detect();
	expect_run("unit", "npx vitest run --reporter=default --reporter=junit --outputFile.junit={{report}}");
	cr_expect_str_eq(check("unit")->report.format, "vitest");
}

Test(detect, mocha_keeps_the_options_of_its_script)
{
	sh("echo '{\"scripts\":{\"test\":\"nyc mocha --exit\"},\"devDependencies\":{\"mocha\":\"12\"}}' >package.json");
	detect();
	expect_run("unit", "npm test -- --reporter xunit --reporter-option output={{report}}");
	cr_expect_str_eq(check("unit")->report.format, "junit");
}

Test(detect, commands_beside_the_runner_are_checks_of_their_own)
{
	sh("echo '{\"scripts\":{\"lint\":\"eslint .\",\"build\":\"tsc\",\"mocha\":\"mocha --exit\","
	   "\"test\":\"npm run lint && npm run build && npm run mocha && "
	   "tsd\"},\"devDependencies\":{\"mocha\":\"12\"}}' "
	   ">package.json");
	detect();
	expect_run("lint", "npm run lint");
	expect_run("build", "npm run build");
	expect_holds("tsd", "; tsd");
	expect_holds("unit", "; mocha --exit --reporter xunit --reporter-option output={{report}}");
	cr_expect_str_eq(check("unit")->report.format, "junit");
	cr_expect(rt_strs_has(&check("unit")->needs, "build"));
	cr_expect_not(rt_strs_has(&check("unit")->needs, "lint"));
	cr_expect(rt_strs_has(&check("tsd")->needs, "deps"));
}

Test(detect, a_runner_behind_npm_run_is_found_with_what_runs_before_it)
{
	sh("echo '{\"scripts\":{\"preunit\":\"tsc\",\"unit\":\"jest -i\",\"test\":\"npm run unit\"},"
	   "\"devDependencies\":{\"jest\":\"30\",\"jest-junit\":\"16\"}}' >package.json");
	detect();
	expect_holds("tsc", "; tsc");
	expect_holds("unit", "; jest -i --ci --reporters=default --reporters=jest-junit");
	cr_expect(rt_strs_has(&check("unit")->needs, "tsc"));
}

Test(detect, scripts_that_call_each_other_end)
{
	sh("echo '{\"scripts\":{\"a\":\"npm run b && mocha\",\"b\":\"npm run a && mocha\",\"test\":\"npm run a && x\"},"
	   "\"devDependencies\":{\"mocha\":\"12\"}}' >package.json");
	detect();
	cr_expect_str_eq(check("unit")->report.format, "junit");
}

Test(detect, what_npm_runs_before_the_test_is_not_left_out)
{
	sh("echo '{\"scripts\":{\"pretest\":\"tsc\",\"test\":\"vitest run\"},\"devDependencies\":{\"vitest\":\"4\"}}' "
	   ">package.json");
	detect();
	expect_holds("tsc", "; tsc");
	expect_holds("unit", "; vitest run --run");
	cr_expect(rt_strs_has(&check("unit")->needs, "tsc"));
}

Test(detect, what_npm_runs_after_the_test_is_a_check_of_its_own)
{
	sh("echo '{\"scripts\":{\"pretest\":\"rm -rf \\\"a b\\\" && true\",\"test\":\"mocha\",\"posttest\":\"npm run "
	   "lint\","
	   "\"lint\":\"eslint .\"},\"devDependencies\":{\"mocha\":\"12\"}}' >package.json");
	detect();
	expect_run("lint", "npm run lint");
	expect_holds("rm", "; rm -rf \"a b\" && true");
	expect_holds("unit", "; mocha --reporter xunit");
	cr_expect(rt_strs_has(&check("unit")->needs, "rm"));
	cr_expect_not(rt_strs_has(&check("unit")->needs, "lint"));
}

Test(detect, runners_that_print_tap_are_read)
{
	sh("echo '{\"scripts\":{\"test\":\"xo && ava && tsd\"},\"devDependencies\":{\"ava\":\"6\"}}' >package.json");
	detect();
	expect_holds("unit", "; ava --tap");
	cr_expect_str_eq(check("unit")->report.format, "tap");
	cr_expect_eq(check("unit")->report.streams, RT_STREAMS_OUT);
	expect_holds("xo", "; xo");
}

Test(detect, bats_behind_npm_is_read)
{
	sh("mkdir test && touch test/a.bats && echo '{\"scripts\":{\"test\":\"bin/bats test\"}}' >package.json");
	detect();
	expect_run("unit", "npm test");
	cr_expect_str_eq(check("unit")->report.format, "bats");
}

Test(detect, tape_that_is_piped_on_is_judged_by_its_exit_code)
{
	sh("echo '{\"scripts\":{\"test\":\"tape test.js | tap-spec\"},\"devDependencies\":{\"tape\":\"5\"}}' "
	   ">package.json");
	detect();
	expect_run("unit", "npm test");
	cr_expect_str_eq(check("unit")->report.format, "exit");
}

Test(detect, another_test_script_is_judged_by_its_exit_code)
{
	sh("echo '{\"scripts\":{\"test\":\"./run-tests\"}}' >package.json");
	detect();
	expect_run("unit", "npm test");
	cr_expect_str_eq(check("unit")->report.format, "exit");
}

Test(detect, the_script_that_npm_init_writes_is_none)
{
	sh("echo '{\"scripts\":{\"test\":\"echo \\\\\"Error: no test specified\\\\\" && exit 1\"}}' >package.json");
	detect_only();
	cr_expect_eq(found.checks.n, 0);
}

Test(detect, the_lock_file_names_the_package_manager)
{
	sh("echo '{\"scripts\":{\"test\":\"x\"},\"dependencies\":{\"a\":\"1\"}}' >package.json && touch "
	   "pnpm-lock.yaml");
	detect();
	expect_run("deps", "pnpm install --frozen-lockfile --ignore-scripts");
	expect_deps("deps", "pnpm-lock.yaml");
}

Test(detect, node_outside_of_the_system_is_a_tool)
{
	sh("mkdir -p ../home/.nvm/v20/bin && printf '#!/bin/sh\\n' >../home/.nvm/v20/bin/node && "
	   "chmod +x ../home/.nvm/v20/bin/node && echo '{\"scripts\":{\"test\":\"x\"}}' >package.json");
	free(path);
	path = rt_format("%s/home/.nvm/v20/bin:/usr/bin", box_root);
	detect();
	cr_assert_eq(config.tools.n, 1);
	cr_expect_str_eq(config.tools.at[0], "~/.nvm/v20");
}

Test(detect, the_home_directory_itself_is_never_a_tool)
{
	sh("mkdir -p ../home/bin && printf '#!/bin/sh\\n' >../home/bin/node && chmod +x ../home/bin/node && "
	   "echo '{\"scripts\":{\"test\":\"x\"}}' >package.json");
	free(path);
	path = rt_format("%s/home/bin:/usr/bin", box_root);
	detect();
	cr_assert_eq(config.tools.n, 1);
	cr_expect_str_eq(config.tools.at[0], "~/bin");
}

/* ---- python, perl, bats ---- */

/* A machine with pytest. */
static void
give_pytest(void)
{
	sh("mkdir -p ../home/tool/bin && printf '#!/bin/sh\\n' >../home/tool/bin/pytest && chmod +x "
	   "../home/tool/bin/pytest");
}

Test(detect, pytest_without_requirements_is_the_machines_own)
{
	give_pytest();
	sh("mkdir tests && touch tests/conftest.py tests/test_a.py");
	detect();
	expect_no_check("deps");
	expect_run("unit", "python3 -m pytest");
	cr_expect_str_eq(check("unit")->report.format, "pytest");
	cr_expect(rt_strs_has(&config.support, "**/test_*.py"));
}

Test(detect, python_requirements_go_into_a_venv)
{
	sh("mkdir tests && touch tests/test_a.py && echo six >requirements.txt && echo x >pytest.ini");
	detect();
	expect_deps("deps", "requirements.txt");
	expect_holds("deps", "python3 -m venv --system-site-packages .venv");
	expect_holds("deps", "pytest -r requirements.txt");
	expect_run("unit", ".venv/bin/python -m pytest");
}

Test(detect, the_dependencies_of_a_python_project_are_requirements)
{
	give_pytest();
	sh("printf '[project]\\nname = \"x\"\\ndependencies = [\\n  \"six\",\\n]\\n[tool.pytest.ini_options]\\n' "
	   ">pyproject.toml && mkdir -p src/x tests && touch src/x/__init__.py tests/test_x.py");
	detect();
	expect_deps("deps", "pyproject.toml");
	expect_holds("deps", "tomllib.load");
	cr_assert_eq(check("unit")->env.n, 1);
	cr_expect_str_eq(check("unit")->env.at[0].value, "src");
}

Test(detect, an_empty_list_of_dependencies_is_none)
{
	give_pytest();
	sh("printf '[project]\\nname = \"x\"\\ndependencies = []\\n[tool.pytest.ini_options]\\n' >pyproject.toml");
	detect();
	expect_no_check("deps");
}

Test(detect, python_files_in_a_meson_project_are_not_run_twice)
{
	sh("echo 'project(\"p\", \"c\")' >meson.build && mkdir tests && touch tests/test_a.py");
	detect();
	cr_expect_eq(found.runners.n, 1);
	cr_expect_str_eq(found.runners.at[0], "meson");
}

Test(detect, perl_tests_run_by_prove)
{
	sh("mkdir t && echo 'print qq(1..1\\nok 1\\n)' >t/a.t && touch dist.ini");
	detect();
	expect_run("unit", "prove -l -r t");
	cr_expect_str_eq(check("unit")->report.format, "prove");
}

Test(detect, perl_tests_see_what_is_built)
{
	sh("mkdir t && touch t/a.t Makefile.PL");
	detect();
	expect_run("build", "perl Makefile.PL && make");
	expect_run("unit", "prove -b -r t");
	cr_expect(rt_strs_has(&check("unit")->needs, "build"));
}

Test(detect, bats_runs_the_folder_of_its_scripts)
{
	sh("mkdir -p spec/deep && touch spec/deep/a.bats");
	detect();
	expect_run("unit", "bats -r spec");
	cr_expect_str_eq(check("unit")->report.format, "bats");
}

/* ---- several ---- */

Test(detect, two_runners_have_names_of_their_own)
{
	give_pytest();
	sh("echo '{\"scripts\":{\"test\":\"node --test\"}}' >package.json && touch conftest.py");
	detect();
	check("npm-unit");
	check("pytest-unit");
}

Test(detect, folders_are_looked_at_where_the_root_has_nothing)
{
	give_pytest();
	sh("mkdir -p web server/t && touch server/pytest.ini && "
	   "echo '{\"scripts\":{\"test\":\"x\"},\"dependencies\":{\"a\":\"1\"}}' >web/package.json");
	detect();
	expect_run("server-unit", "cd server && python3 -m pytest");
	expect_run("web-unit", "cd web && npm test");
	expect_deps("web-deps", "web/package.json");
	cr_expect(rt_strs_has(&check("web-unit")->needs, "web-deps"));
}

Test(detect, a_command_of_several_lines_is_run_in_its_folder)
{
	sh("mkdir a && echo AC_INIT >a/configure.ac && echo 'TESTS = a.sh' >a/Makefile.am");
	detect();
	cr_assert(rt_starts_with(check("unit")->shell, "cd a &&\nmake check"));
}

Test(detect, a_build_that_asks_git_gets_a_repository)
{
	sh("printf \"project('p', 'c')\\nvcs_tag(input: 'v.in', output: 'v.h')\\n\" >meson.build");
	detect();
	for (size_t i = 0; i < config.checks.n; i++)
		cr_expect_neq(config.checks.at[i].git, 0, "%s", text);
}

Test(detect, a_build_that_does_not_ask_git_gets_none)
{
	sh("printf \"project('p', 'c')\\n\" >meson.build");
	detect();
	for (size_t i = 0; i < config.checks.n; i++)
		cr_expect_eq(config.checks.at[i].git, 0, "%s", text);
}

/* ---- the caller's own, and the text ---- */

static int
replace(const char *first, const char *second)
{
	rt_auto(strs) struct rt_strs checks = {0};

	rt_strs_add(&checks, first);
	if (second)
		rt_strs_add(&checks, second);
	return rt_found_replace(&found, &checks, &err);
}

Test(detect, own_checks_take_the_place_of_the_recognised_ones)
{
	sh("echo 'module m' >go.mod");
	detect_only();
	must(replace("unit=make -s \"all tests\" # mine", "lint=./lint: now") == 0);
	write_and_parse();
	cr_expect_eq(config.checks.n, 2);
	expect_run("unit", "make -s \"all tests\" # mine");
	expect_run("lint", "./lint: now");
	cr_expect(rt_strs_has(&config.watch, "**/go.mod"));
}

Test(detect, every_command_is_written_so_that_it_is_read_back)
{
	static const char *const commands[] = {
	    "- x", "a: b", "'quoted'",		"\"double\" \\ back", "a\nb\n\n  c", "  indented", "tab\there", "#no",
	    "x:",  "*",	   "echo '{{report}}'", "{{report}}",	      "!x",	     "@y",	   "a #b",	"%z",
	    "on",  "\x7f"};

	for (size_t i = 0; i < RT_COUNT(commands); i++) {
		rt_auto(free) char *given = rt_format("unit=%s", commands[i]);
		rt_found_release(&found);
		rt_config_release(&config);
		free(rt_steal(&text));
		must(replace(given, NULL) == 0);
		write_and_parse();
		size_t len = strlen(commands[i]);
		cr_expect(strncmp(check("unit")->shell, commands[i], len) == 0, "%s", text);
		cr_expect(!check("unit")->shell[len] || strcmp(check("unit")->shell + len, "\n") == 0, "%s", text);
	}
}

Test(detect, a_check_without_name_or_command_is_refused)
{
	cr_expect_eq(replace("make", NULL), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_eq(replace("a b=make", NULL), -1);
	cr_expect_eq(replace("unit= ", NULL), -1);
	cr_expect_eq(replace("a=x", "a=y"), -1);
}

Test(detect, strict_support_and_target_are_written)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	must(replace("unit=true", NULL) == 0);
	rt_found_write(&found, "release/1 2", true, &out);
	cr_expect_not_null(strstr(out.data, "target: \"release/1 2\"\n"));
	cr_expect_not_null(strstr(out.data, "support_changes: strict\n"));
}

Test(detect, files_that_steer_a_runner_are_watched_before_they_are_there)
{
	static const struct {
		const char *project, *support, *watch;
	} runners[] = {
	    {"mkdir tests && touch tests/test_a.py && echo six >requirements.txt", "**/conftest.py", "pytest.py"},
	    {"mkdir t && touch t/a.t && touch Makefile.PL", "t/**", ".proverc"},
	    {"echo '{\"scripts\": {\"test\": \"vitest\"}, \"devDependencies\": {\"vitest\": \"1\"}}' >package.json",
	     "**/__snapshots__/**", "vitest.config.*"},
	    {"printf '[package]\\nname = \"a\"\\nversion = \"0.1.0\"\\n' >Cargo.toml", "**/tests/**", ".cargo/**"},
	};

	for (size_t i = 0; i < RT_COUNT(runners); i++) {
		rt_found_release(&found);
		rt_config_release(&config);
		free(rt_steal(&text));
		sh("git rm -rfq --ignore-unmatch . && git clean -fdxq");
		sh("%s", runners[i].project);
		detect();
		cr_expect(rt_strs_has(&config.support, runners[i].support), "%s", runners[i].support);
		cr_expect(rt_strs_has(&config.watch, runners[i].watch), "%s", runners[i].watch);
	}
}

Test(detect, tests_anywhere_in_an_npm_package_are_support)
{
	static const char *const files[] = {
	    "test.js",	      "test/a.js", "src/test/deep/b.ts", "lib/__tests__/c.js",	"src/d.spec.tsx",
	    "src/e.test.mjs", "f-test.js", "test-g.cjs",	 "x/__snapshots__/h.s", "spec/i_spec.js"};

	sh("echo '{\"scripts\": {\"test\": \"node --test\"}}' >package.json");
	detect();
	for (size_t i = 0; i < RT_COUNT(files); i++)
		cr_expect(rt_globs_match(&config.support, files[i]), "%s", files[i]);
	cr_expect_not(rt_globs_match(&config.support, "src/latest.js"));
}
