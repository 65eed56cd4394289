#include "support/stop.h"

#include <signal.h>

static volatile sig_atomic_t asked;

void
rt_stop(void)
{
	asked = 1;
}

bool
rt_stopped(void)
{
	return asked;
}

int
rt_stop_fail(struct rt_err *err, const char *doing)
{
	return rt_fail(err, RT_EUNKNOWN, "interrupted while %s", doing);
}
