#include <string.h>

#include "cycle/detect_parts.h"
#include "model/glob.h"

static const char *const c_support[] = {"test/**", "**/tests/**", "t/**", "**/testdata/**", NULL};

/* Does any tracked file that matches the pattern hold one of the texts? 1, 0, -1. */
static int
any_holds(const struct rt_place *place, const char *pattern, const char *const *texts, struct rt_err *err)
{
	rt_auto(free) char *full = rt_format("%s%s", place->dir, pattern);
	for (size_t i = 0; i < place->paths->n; i++) {
		rt_auto(buf) struct rt_buf file = RT_BUF_INIT;
		if (!rt_glob_match(full, place->paths->at[i]))
			continue;
		if (rt_tree_blob(place->repo, place->tree, place->paths->at[i], 4 << 20, &file, err) < 0)
			return -1;
		for (const char *const *text = texts; *text; text++)
			if (strstr(file.data, *text))
				return 1;
	}
	return 0;
}

/* A build folder that hides nothing that is tracked. */
static const char *
build_folder(const struct rt_place *place)
{
	return rt_place_has(place, "build") ? "ratchet-build" : "build";
}

static int
look_for_file(const struct rt_place *place, const char *path)
{
	return rt_place_has(place, path) ? RT_SURE_STRONG : RT_SURE_NOT;
}

/* ---- meson ---- */

static int
look_meson(struct rt_place *place, struct rt_err *err)
{
	int is_project = rt_place_holds(place, "meson.build", "project(", err);
	return is_project < 0 ? -1 : is_project ? RT_SURE_STRONG : RT_SURE_NOT;
}

static int
add_meson(struct rt_place *place, struct rt_err *err)
{
	static const char *const tests[] = {"test(", NULL};
	static const char *const watch[] = {"**/meson.build", "**/meson.options", "**/meson_options.txt",
					    "subprojects/*.wrap", NULL};
	static const char *const inputs[] = {"meson.build", "subprojects/**", NULL};
	const char *folder = build_folder(place);
	bool wraps = rt_place_has(place, "subprojects/*.wrap");
	int tested = any_holds(place, "**/meson.build", tests, err);
	if (tested < 0)
		return -1;
	if (wraps) {
		struct rt_found_check *deps = rt_place_check(place, "deps", "meson subprojects download");
		deps->prepare = deps->host = true;
		rt_check_inputs(place, deps, inputs);
	}
	struct rt_found_check *build = rt_place_check(place, "build", "meson setup %s && ninja -C %s", folder, folder);
	if (wraps)
		rt_check_needs(place, build, "deps");
	build->fast = true;
	if (tested) {
		struct rt_found_check *unit =
		    rt_place_check(place, "unit", "meson test -C %s --no-rebuild --print-errorlogs", folder);
		rt_check_needs(place, unit, "build");
		rt_check_report(place, unit, "meson", NULL);
		unit->fast = true;
	}
	rt_place_globs(place, &place->found->support, c_support);
	rt_place_globs(place, &place->found->watch, watch);
	rt_place_tool(place, "meson", false);
	rt_place_tool(place, "ninja", false);
	return 0;
}

/* ---- cmake ---- */

static int
look_cmake(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	return look_for_file(place, "CMakeLists.txt");
}

static int
add_cmake(struct rt_place *place, struct rt_err *err)
{
	static const char *const tests[] = {"enable_testing", "ENABLE_TESTING", "(CTest", NULL};
	static const char *const fetches[] = {"FetchContent", "ExternalProject", "CPMAddPackage", NULL};
	static const char *const watch[] = {"**/CMakeLists.txt", "**/*.cmake", "CMakePresets.json", NULL};
	const char *folder = build_folder(place);
	int tested = any_holds(place, "**/CMakeLists.txt", tests, err);
	int fetched = any_holds(place, "**/CMakeLists.txt", fetches, err);
	if (tested < 0 || fetched < 0)
		return -1;
	struct rt_found_check *build =
	    rt_place_check(place, "build", "cmake -B %s && cmake --build %s --parallel \"$(nproc)\"", folder, folder);
	build->fast = true;
	if (fetched)
		build->note = rt_strdup("cells have no network: what FetchContent downloads must come from the "
					"system, or from a folder that -DFETCHCONTENT_SOURCE_DIR_<NAME> names");
	if (tested) {
		struct rt_found_check *unit = rt_place_check(
		    place, "unit", "ctest --test-dir %s --no-tests=error --output-junit {{report}}", folder);
		rt_check_needs(place, unit, "build");
		rt_check_report(place, unit, "ctest", NULL);
		unit->fast = true;
	}
	rt_place_globs(place, &place->found->support, c_support);
	rt_place_globs(place, &place->found->watch, watch);
	rt_place_tool(place, "cmake", false);
	return 0;
}

/* ---- autotools ---- */

static int
look_autotools(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	if (rt_place_has(place, "configure.ac") || rt_place_has(place, "configure.in"))
		return RT_SURE_STRONG;
	return rt_place_has(place, "configure") && rt_place_has(place, "Makefile*") ? RT_SURE_STRONG : RT_SURE_NOT;
}

static const char *
configure_command(const struct rt_place *place)
{
	if (rt_place_has(place, "configure"))
		return "./configure";
	if (rt_place_has(place, "autogen.sh"))
		return "NOCONFIGURE=1 ./autogen.sh && ./configure";
	if (rt_place_has(place, "bootstrap"))
		return "./bootstrap && ./configure";
	return "autoreconf -fi && ./configure";
}

/*
 * Automake's parallel test driver leaves a .trs file for each script, with a line for each of its results: written as
 * TAP. The name is the file's, and what follows the status.
 */
#define TRS_TO_TAP                                                                                  \
	"make check; code=$?\n"                                                                     \
	"find . -name '*.trs' -exec grep -H '^:test-result:' {} + | LC_ALL=C sort | awk '\n"        \
	"  { name = $1; sub(/^\\.\\//, \"\", name); sub(/\\.trs:.*/, \"\", name)\n"                 \
	"    status = $2; $1 = $2 = \"\"; sub(/^ */, \"\"); if ($0 != \"\") name = name \" \" $0\n" \
	"    gsub(/#/, \"\\\\#\", name)\n"                                                          \
	"    print (status ~ /^(PASS|SKIP)$/ ? \"ok\" : \"not ok\"), ++n, \"-\", name \\\n"         \
	"      (status == \"SKIP\" ? \" # SKIP\" : status == \"XFAIL\" ? \" # TODO\" : \"\") }\n"   \
	"  END { print \"1..\" n + 0 }' >{{report}}\n"                                              \
	"exit $code"

static int
add_autotools(struct rt_place *place, struct rt_err *err)
{
	static const char *const tests[] = {"TESTS", NULL};
	static const char *const watch[] = {"configure.ac", "configure.in", "**/Makefile.am", "**/Makefile.in",
					    "autogen.sh",   "bootstrap",    "m4/**",	      NULL};
	int tested = any_holds(place, "**/Makefile.am", tests, err);
	if (tested < 0)
		return -1;
	struct rt_found_check *build =
	    rt_place_check(place, "build", "%s && make -j\"$(nproc)\"", configure_command(place));
	build->fast = true;
	struct rt_found_check *unit = rt_place_check(place, "unit", "%s", tested ? TRS_TO_TAP : "make check");
	rt_check_needs(place, unit, "build");
	unit->fast = true;
	if (tested) {
		rt_check_report(place, unit, "tap", NULL);
		unit->note = rt_strdup("each result that automake's test driver leaves in a .trs file is one case");
	}
	rt_place_globs(place, &place->found->support, c_support);
	rt_place_globs(place, &place->found->watch, watch);
	return 0;
}

/* ---- make ---- */

/* Is there a rule of that target? A line `NAME:`, but no assignment `NAME:=`. */
static bool
has_target(const char *makefile, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = makefile; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *end = line + len;
		if (strncmp(line, name, len) != 0)
			continue;
		end += strspn(end, " \t");
		if (*end == ':' && end[1] != '=' && !(end[1] == ':' && end[2] == '='))
			return true;
	}
	return false;
}

/* The makefile's text, by make's own order of names: 1, 0, -1. */
static int
read_makefile(const struct rt_place *place, struct rt_buf *text, struct rt_err *err)
{
	static const char *const names[] = {"GNUmakefile", "makefile", "Makefile"};
	int found = 0;
	for (size_t i = 0; i < RT_COUNT(names) && found == 0; i++)
		found = rt_place_read(place, names[i], text, err);
	return found;
}

static const char *
test_target(const char *makefile)
{
	static const char *const names[] = {"check", "test", "tests"};
	for (size_t i = 0; i < RT_COUNT(names); i++)
		if (has_target(makefile, names[i]))
			return names[i];
	return NULL;
}

static int
look_make(struct rt_place *place, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int found = read_makefile(place, &text, err);
	return found < 0 ? -1 : found && test_target(text.data) ? RT_SURE_LAST : RT_SURE_NOT;
}

static int
add_make(struct rt_place *place, struct rt_err *err)
{
	static const char *const watch[] = {"GNUmakefile", "makefile", "Makefile", "**/*.mk", NULL};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (read_makefile(place, &text, err) < 0)
		return -1;
	const char *all = has_target(text.data, "all") ? "all" : has_target(text.data, "build") ? "build" : NULL;
	if (all)
		rt_place_check(place, "build", "make %s", all)->fast = true;
	struct rt_found_check *unit = rt_place_check(place, "unit", "make %s", test_target(text.data));
	if (all)
		rt_check_needs(place, unit, "build");
	unit->fast = true;
	unit->note =
	    rt_strdup("judged as one case by its exit code; where the tests can write JUnit or TAP, let them "
		      "write it to {{report}} and add `report: junit` or `report: tap`: then every case counts");
	rt_place_globs(place, &place->found->support, c_support);
	rt_place_globs(place, &place->found->watch, watch);
	return 0;
}

/* ---- cargo ---- */

static int
look_cargo(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	return look_for_file(place, "Cargo.toml");
}

/* Does a manifest without a lock file name crates that are not its own? A line below a `[...dependencies]` header, or a
 * header `[dependencies.NAME]`. */
static bool
manifest_depends(const char *manifest)
{
	bool inside = false;
	for (const char *line = manifest; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		rt_auto(free) char *text = rt_strndup(line, strcspn(line, "\r\n"));
		if (text[0] == '[')
			inside = rt_ends_with(text, "dependencies]");
		if (text[0] == '[' && strstr(text, "dependencies."))
			return true;
		if (inside && text[0] != '[' && text[0] != '#' && strchr(text, '=') && !strstr(text, "path =") &&
		    !strstr(text, "path=") && !strstr(text, "workspace"))
			return true;
	}
	return false;
}

/* Are there crates to be fetched? *locked: by a lock file. */
static int
cargo_depends(const struct rt_place *place, bool *locked, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf lock = RT_BUF_INIT, manifest = RT_BUF_INIT;
	int vendored = rt_place_holds(place, ".cargo/config.toml", "directory =", err);
	if (vendored < 0)
		return -1;
	int found = rt_place_read(place, "Cargo.lock", &lock, err);
	if (found < 0 || rt_place_read(place, "Cargo.toml", &manifest, err) < 0)
		return -1;
	*locked = found;
	if (vendored)
		return 0;
	return found ? strstr(lock.data, "\nsource = ") != NULL : manifest_depends(manifest.data);
}

/*
 * cargo resolves only where every target's source is there, and the sources must not be inputs of a step that reaches
 * the network: it works on a copy of the manifests, without their targets and with empty sources beside them.
 */
#define CARGO_FETCH                                                                                \
	"set -e; t=$(mktemp -d); tar -cf - . | tar -xf - -C \"$t\"\n"                              \
	"find \"$t\" -name Cargo.toml | while read -r m; do\n"                                     \
	"  awk '/^ *\\[/ { skip = /^ *\\[(\\[(bin|test|bench|example)\\]|lib)\\]/ }\n"             \
	"       !skip && !/^ *(default-run|build) *=/' \"$m\" >\"$m.new\"; mv \"$m.new\" \"$m\"\n" \
	"  d=${m%%/Cargo.toml}/src; mkdir -p \"$d\"; : >\"$d/lib.rs\"; : >\"$d/main.rs\"\n"        \
	"done\n"                                                                                   \
	"h=$PWD/.cargo-home; mkdir -p \"$h\"; (cd \"$t\"; CARGO_HOME=$h cargo fetch%s)%s"

static void
add_cargo_deps(struct rt_place *place, bool locked)
{
	static const char *const inputs[] = {"**/Cargo.toml",	    "Cargo.lock",     ".cargo/config.toml",
					     "rust-toolchain.toml", "rust-toolchain", NULL};
	struct rt_found_check *deps = rt_place_check(place, "deps", CARGO_FETCH, locked ? " --locked" : "",
						     locked ? "" : "; cp \"$t/Cargo.lock\" .");
	deps->prepare = deps->host = true;
	rt_check_inputs(place, deps, inputs);
}

static int
add_cargo(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {"**/tests/**", NULL};
	static const char *const watch[] = {"**/Cargo.toml", "Cargo.lock",	"**/build.rs",
					    ".cargo/**",     "rust-toolchain*", NULL};
	bool locked = false;
	int depends = cargo_depends(place, &locked, err),
	    whole = rt_place_holds(place, "Cargo.toml", "[workspace]", err);
	if (depends < 0 || whole < 0)
		return -1;
	if (depends)
		add_cargo_deps(place, locked);
	const char *home = depends ? "CARGO_HOME=$PWD/.cargo-home " : "", *scope = whole ? " --workspace" : "";
	struct rt_found_check *build = rt_place_check(place, "build", "%scargo test%s --offline --no-run", home, scope);
	if (depends)
		rt_check_needs(place, build, "deps");
	build->fast = true;
	/* what the report needs; set here too, since another value would compile everything again */
	rt_strs_add(&build->env, "RUSTC_BOOTSTRAP=1");
	struct rt_found_check *unit = rt_place_check(
	    place, "unit", "%scargo test%s --offline --no-fail-fast -- -Z unstable-options --format json", home, scope);
	rt_check_needs(place, unit, "build");
	rt_check_report(place, unit, "cargo", NULL);
	unit->fast = true;
	rt_place_globs(place, &place->found->support, support);
	rt_place_globs(place, &place->found->watch, watch);
	/* not all of ~/.cargo: the registries' credentials lie there */
	rt_place_tool(place, "cargo", true);
	rt_auto(free) char *cargo = rt_toolbox_find(place->toolbox, "cargo");
	if (cargo && strstr(cargo, "/.cargo/bin/"))
		rt_place_home(place, &place->found->tools, ".rustup");
	return 0;
}

/* ---- go ---- */

static int
look_go(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	return rt_place_has(place, "go.work") ? RT_SURE_STRONG : look_for_file(place, "go.mod");
}

/* Modules that the operator has downloaded already come from there; the checksums in go.sum hold for either. */
static void
add_go_deps(struct rt_place *place)
{
	static const char *const inputs[] = {"**/go.mod", "**/go.sum", "go.work", "go.work.sum", NULL};
	bool cached = rt_place_home(place, &place->found->caches, "go/pkg/mod/cache/download");
	struct rt_found_check *deps =
	    rt_place_check(place, "deps", "%sGOMODCACHE=$PWD/.gomodcache GOFLAGS=-modcacherw go mod download",
			   cached ? "GOPROXY=file://$HOME/go/pkg/mod/cache/download,$(go env GOPROXY) " : "");
	deps->prepare = deps->host = true;
	rt_check_inputs(place, deps, inputs);
}

static int
add_go(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {"**/*_test.go", "**/testdata/**", NULL};
	static const char *const watch[] = {"**/go.mod", "**/go.sum", "go.work", NULL};
	bool depends = rt_place_has(place, "**/go.sum") && !rt_place_has(place, "vendor/modules.txt");
	(void)err;
	if (depends)
		add_go_deps(place);
	const char *modules = depends ? "GOMODCACHE=$PWD/.gomodcache " : "";
	struct rt_found_check *build =
	    rt_place_check(place, "build", "%sGOCACHE=$PWD/.gocache go build -o /dev/null ./...", modules);
	if (depends)
		rt_check_needs(place, build, "deps");
	build->fast = true;
	struct rt_found_check *unit = rt_place_check(place, "unit", "%sGOCACHE=$PWD/.gocache go test ./...", modules);
	rt_check_needs(place, unit, "build");
	rt_check_report(place, unit, "go", NULL);
	unit->fast = true;
	rt_place_globs(place, &place->found->support, support);
	rt_place_globs(place, &place->found->watch, watch);
	rt_place_tool(place, "go", false);
	return 0;
}

const struct rt_runner rt_runners_compiled[] = {
    {"meson", "c", look_meson, add_meson},
    {"cmake", "c", look_cmake, add_cmake},
    {"autotools", "c", look_autotools, add_autotools},
    {"make", "c", look_make, add_make},
    {"cargo", NULL, look_cargo, add_cargo},
    {"go", NULL, look_go, add_go},
    {NULL, NULL, NULL, NULL},
};
