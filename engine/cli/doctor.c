#include "cli/cli.h"
#include "cycle/doctor.h"

static const struct rt_option options[] = {
    {0, "fix", NULL, "mend what can be mended without a choice", false},
    {0, NULL, NULL, NULL, false},
};

static void
print_json(const struct rt_diagnoses *diagnoses)
{
	struct rt_json *json = rt_json_new_object(), *list = rt_json_new_array();
	for (size_t i = 0; i < diagnoses->n; i++) {
		const struct rt_diagnosis *diagnosis = &diagnoses->at[i];
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "what", diagnosis->what);
		rt_json_set_string(item, "health", rt_health_name(diagnosis->health));
		rt_json_set_bool(item, "mended", diagnosis->mended);
		rt_json_set_string(item, "text", diagnosis->text);
		rt_json_append(list, item);
	}
	rt_json_set_int(json, "findings", (int64_t)rt_doctor_findings(diagnoses));
	rt_json_set(json, "diagnoses", list);
	rt_cli_print_json(json);
}

static void
print_text(const struct rt_diagnoses *diagnoses)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	for (size_t i = 0; i < diagnoses->n; i++) {
		const struct rt_diagnosis *diagnosis = &diagnoses->at[i];
		rt_buf_addf(&text, "%-8s %s: %s\n", diagnosis->mended ? "mended" : rt_health_name(diagnosis->health),
			    diagnosis->what, diagnosis->text);
	}
	rt_cli_write(stdout, text.data);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(diagnoses) struct rt_diagnoses diagnoses = {0};
	rt_auto(free) char *self = rt_cli_self(err);
	if (!self)
		return -1;
	if (rt_doctor(cli->dir, self, rt_cli_flag(cli, "fix"), &diagnoses, err) < 0)
		return -1;
	if (cli->json)
		print_json(&diagnoses);
	else
		print_text(&diagnoses);
	return rt_doctor_findings(&diagnoses) ? 1 : 0;
}

const struct rt_command rt_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "is the installation sound, and what can this machine do?",
    .about = "Looks at git and the libraries, the target's configuration, policies and baseline, the hooks (present, "
	     "executable, the ones expected, core.hooksPath not redirected), the ledger, the isolation that this "
	     "machine offers, the clock and the free space. One line each; a finding says how to mend it, and makes "
	     "the exit code 1. With --fix the hooks are put back, an interrupted landing is completed or undone, and "
	     "what nobody uses is removed.",
    .options = options,
    .max_args = 0,
    .run = run,
};
