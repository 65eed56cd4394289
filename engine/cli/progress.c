#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/clock.h"

/* What runs now, for the one line that is painted on a terminal. */
static struct {
	bool on, terminal, painted;
	struct rt_strs running;
	size_t ended;
	int64_t start;
} state;

static void
wipe(void)
{
	if (state.painted)
		fputs("\r\033[K", stderr);
	state.painted = false;
}

static void
paint(void)
{
	struct winsize size = {.ws_col = 80};
	rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		size.ws_col = 80;
	rt_buf_addf(&line, "[%zu done, %.1f s]", state.ended, (double)(rt_clock_ms() - state.start) / 1000);
	for (size_t i = 0; i < state.running.n; i++)
		rt_buf_addf(&line, " %s", state.running.at[i]);
	if (line.len >= size.ws_col)
		rt_buf_cut(&line, size.ws_col - 1u);
	wipe();
	fputs(line.data, stderr);
	state.painted = true;
}

static void
forget(const char *cell)
{
	for (size_t i = 0; i < state.running.n; i++) {
		if (strcmp(state.running.at[i], cell) != 0)
			continue;
		free(state.running.at[i]);
		memmove(&state.running.at[i], &state.running.at[i + 1], (state.running.n - i) * sizeof(char *));
		state.running.n--;
		return;
	}
}

static void
tell(void *data, const char *cell, const char *what, int64_t ms)
{
	(void)data;
	if (cell && strcmp(what, "running") == 0) {
		rt_strs_add(&state.running, cell);
	} else if (cell) {
		forget(cell);
		state.ended++;
		wipe();
		fprintf(stderr, "%-8s %s (%.1f s)\n", what, cell, (double)ms / 1000);
	}
	if (state.terminal)
		paint();
}

struct rt_progress
rt_cli_progress(const struct rt_cli *cli)
{
	struct rt_progress progress = {0};
	if (cli->json && !isatty(STDERR_FILENO))
		return progress;
	state.on = true;
	state.terminal = isatty(STDERR_FILENO);
	state.start = rt_clock_ms();
	progress.tell = tell;
	return progress;
}

void
rt_cli_progress_done(void)
{
	if (!state.on)
		return;
	wipe();
	fflush(stderr);
	rt_strs_release(&state.running);
	state.on = false;
}
